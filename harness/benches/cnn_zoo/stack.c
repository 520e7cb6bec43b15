/* Passes of many small networks of one form over the same images, forward and backward, one network after another, on
   one core.

   Images stand side by side in the lanes of a vector: a map is [channel][place][LANES], where a block holds LANES
   images. A layer of 16 channels reads `inputs` values for each of its `places`: a convolution of any size and stride,
   and a dense layer, differ in where these lie alone (`offsets` and `bases`, which `native.py` writes). Its 16 sums stay in registers.

   Parameters are in the published order: of each layer 16 biases, then the kernel [input][16]; then the head, its biases
   and [16][classes]. Lanes of the last block that hold no image have no gradient. `native.py` owns all memory and mirrors
   the structures below. */

#include <math.h>
#include <stdint.h>

#define LANES 16
#define OUT 16
#define MOST_CLASSES 1024

typedef float real;
typedef int64_t wide;
typedef real vec __attribute__((vector_size(4 * LANES)));
typedef int32_t bits __attribute__((vector_size(4 * LANES)));
typedef int16_t halves __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
typedef real loose __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#ifdef __AVX512F__
#define KEEP(x) __asm__("" : "+v"(x)) /* in a register: one load for all that use it */
#else
#define KEEP(x) (void)0
#endif
#ifdef __clang__
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (bits){__VA_ARGS__})
#endif
#define EACH _Pragma("GCC unroll 16") for
#define INLINE static inline __attribute__((always_inline))

typedef struct {
    wide inputs, places;          /* values that a place reads; places */
    const int32_t *offsets, *bases; /* input i of place p is vector offsets[i] + bases[p] of the map that is read */
    wide read;                    /* vectors of that map */
} Layer;

typedef struct {
    wide layers, classes, params, pixels, tanh;
    const Layer *layer;
    vec *images;                  /* [block][pixels] */
    vec *values;                  /* of each layer [16][places], behind activation and dropout */
    vec *factors;                 /* the same: what dropout multiplied them by */
    vec *slopes, *before, *turned; /* room for the largest map each */
    uint64_t *words;              /* random numbers of one network and batch */
} Form;

typedef struct {
    const real *images;           /* (n, pixels) */
    const wide *rows, *labels;    /* `count` of them; labels of all n */
    wide count;
} Batch;

typedef struct {
    wide networks;
    const real *params;           /* (networks, params) */
    real *slopes;                 /* the same; NULL: forward alone, without dropout */
    uint64_t *states;             /* (networks, 4) of SFC64 */
    const int32_t *below;         /* a value is kept where its 16 random bits, as a signed number, are below this */
    const real *kept;             /* probability that a value is kept */
    const real *penalties;        /* L2 of kernels */
    double *losses;               /* summed over the images, in nats */
    wide *hits;
} Stack;

INLINE vec splat(real x) { return (vec){0} + x; }
INLINE vec select(bits where, vec x) { return (vec)((bits)x & where); }
INLINE vec blend(bits where, vec x, vec y) { return (vec)(((bits)x & where) | ((bits)y & ~where)); }
INLINE real total(vec x) {
    real sum[8];
    EACH(int i = 0; i < 8; i++) sum[i] = x[i] + x[i + 8];
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/* tanh to a few units of the last place: the rational function of Eigen's ptanh. */
INLINE vec hyperbolic(vec x) {
    const real end = 7.90531110763549805f;
    vec y = blend(x > end, splat(end), x); /* nan stays nan */
    y = blend(y < -end, splat(-end), y);
    vec square = y * y;
    vec p = splat(-2.76076847742355e-16f);
    p = p * square + 2.00018790482477e-13f;
    p = p * square - 8.60467152213735e-11f;
    p = p * square + 5.12229709037114e-08f;
    p = p * square + 1.48572235717979e-05f;
    p = p * square + 6.37261928875436e-04f;
    p = p * square + 4.89352455891786e-03f;
    vec q = splat(1.19825839466702e-06f);
    q = q * square + 1.18534705686654e-04f;
    q = q * square + 2.26843463243900e-03f;
    q = q * square + 4.89352518554385e-03f;
    return y * p / q;
}

/* SFC64 as NumPy has it. */
static void draw(uint64_t *s, uint64_t *words, wide count) {
    uint64_t a = s[0], b = s[1], c = s[2], w = s[3];
    for (wide i = 0; i < count; i++) {
        uint64_t next = a + b + w++;
        a = b ^ (b >> 11);
        b = c + (c << 3);
        c = ((c << 24) | (c >> 40)) + next;
        words[i] = next;
    }
    s[0] = a, s[1] = b, s[2] = c, s[3] = w;
}

#define SWAP(A, B, LOW, HIGH)                                                                                          \
    {                                                                                                                  \
        vec low = SHUFFLE(A, B, LOW), high = SHUFFLE(A, B, HIGH);                                                      \
        A = low, B = high;                                                                                             \
    }
#define LOW8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31

INLINE void transpose(vec *v) { /* 16 x 16 */
    EACH(int i = 0; i < 16; i++) if (!(i & 8)) SWAP(v[i], v[i + 8], LOW8, HIGH8)
    EACH(int i = 0; i < 16; i++) if (!(i & 4)) SWAP(v[i], v[i + 4], LOW4, HIGH4)
    EACH(int i = 0; i < 16; i++) if (!(i & 2)) SWAP(v[i], v[i + 2], LOW2, HIGH2)
    EACH(int i = 0; i < 16; i++) if (!(i & 1)) SWAP(v[i], v[i + 1], LOW1, HIGH1)
}

/* ---------------------------------------------------------------- layers */

static void layer_forward(const Layer *l, const real *params, const vec *map, vec *out) {
    const real *bias = params, *kernel = params + OUT;
    for (wide p = 0; p < l->places; p++) {
        const vec *at = map + l->bases[p];
        const real *w = kernel;
        vec sum[OUT];
        EACH(int o = 0; o < OUT; o++) sum[o] = splat(bias[o]);
        for (wide i = 0; i < l->inputs; i++, w += OUT) {
            vec seen = at[l->offsets[i]];
            KEEP(seen);
            EACH(int o = 0; o < OUT; o++) sum[o] += w[o] * seen;
        }
        EACH(int o = 0; o < OUT; o++) out[o * l->places + p] = sum[o];
    }
}

/* Gradient of bias and kernel, added to `slopes`. `turned` is the gradient of the output, [place][image][16]. */
static void layer_slopes(const Layer *l, const vec *map, const vec *turned, real *slopes) {
    vec bias = splat(0);
    for (wide t = 0; t < l->places * LANES; t++) bias += turned[t];
    *(loose *)slopes += bias;
    for (wide first = 0; first < l->inputs; first += OUT) {
        wide some = l->inputs - first < OUT ? l->inputs - first : OUT;
        vec sum[OUT], seen[OUT];
        EACH(int i = 0; i < OUT; i++) sum[i] = seen[i] = splat(0);
        for (wide p = 0; p < l->places; p++) {
            const vec *at = map + l->bases[p], *slope = turned + p * LANES;
            for (wide i = 0; i < some; i++) seen[i] = at[l->offsets[first + i]];
            for (wide image = 0; image < LANES; image++) {
                const real *value = (const real *)seen + image;
                vec d = slope[image];
                KEEP(d);
                EACH(int i = 0; i < OUT; i++) sum[i] += value[i * LANES] * d;
            }
        }
        for (wide i = 0; i < some; i++) *(loose *)(slopes + OUT * (1 + first + i)) += sum[i];
    }
}

/* Gradient of what is read, from that of the output, [16][place]. The inputs are a multiple of four. */
static void layer_backward(const Layer *l, const real *params, const vec *slope, vec *before) {
    for (wide i = 0; i < l->read; i++) before[i] = splat(0);
    for (wide p = 0; p < l->places; p++) {
        vec *at = before + l->bases[p], d[OUT];
        const real *w = params + OUT;
        EACH(int o = 0; o < OUT; o++) d[o] = slope[o * l->places + p];
        for (wide i = 0; i < l->inputs; i += 4, w += 4 * OUT) {
            vec sum[4];
            EACH(int j = 0; j < 4; j++) sum[j] = at[l->offsets[i + j]];
            EACH(int o = 0; o < OUT; o++) EACH(int j = 0; j < 4; j++) sum[j] += w[j * OUT + o] * d[o];
            EACH(int j = 0; j < 4; j++) at[l->offsets[i + j]] = sum[j];
        }
    }
}

/* Activation and, with `random`, dropout, in place. */
static void activate(wide count, wide tanh, vec *values, vec *factors, const int16_t *random, wide apart, int32_t below,
                     real kept) {
    for (wide i = 0; i < count; i++) {
        vec x = values[i];
        x = tanh ? hyperbolic(x) : select(~(x <= 0), x); /* nan stays nan */
        if (random) {
            bits drawn = __builtin_convertvector(*(const halves *)(random + i * apart), bits);
            factors[i] = select(drawn < below, splat(1 / kept));
            x *= factors[i];
        }
        values[i] = x;
    }
}

static void activate_back(wide count, wide tanh, const vec *values, const vec *factors, real kept, vec *slopes) {
    for (wide i = 0; i < count; i++) {
        vec y = values[i] * kept, d = slopes[i] * factors[i];
        slopes[i] = tanh ? d * (1 - y * y) : select(y > 0, d);
    }
}

static void turn(wide places, const vec *slopes, vec *turned) {
    for (wide p = 0; p < places; p++, turned += LANES) {
        EACH(int o = 0; o < OUT; o++) turned[o] = slopes[o * places + p];
        transpose(turned);
    }
}

/* ---------------------------------------------------------------- head and loss */

/* Loss and hits of `some` images; with `d`, the gradient of the logits of a batch of `count`. */
static void judge(wide classes, const vec *logits, const wide *labels, wide some, wide count, double *loss, wide *hits,
                  vec *d) {
    for (wide image = 0; image < LANES; image++) {
        real most = logits[0][image], sum = 0, power[MOST_CLASSES];
        wide guess = 0;
        for (wide k = 1; k < classes; k++)
            if (logits[k][image] > most) most = logits[guess = k][image];
        for (wide k = 0; k < classes; k++) sum += power[k] = expf(logits[k][image] - most);
        if (image < some) {
            *loss += logf(sum) + most - logits[labels[image]][image];
            *hits += guess == labels[image];
        }
        if (d)
            for (wide k = 0; k < classes; k++)
                d[k][image] = image < some ? (power[k] / sum - (k == labels[image])) / count : 0;
    }
}

static void head_forward(wide classes, const real *params, const vec *means, vec *logits) {
    const real *w = params + classes;
    for (wide k = 0; k < classes; k++) {
        vec sum = splat(params[k]);
        EACH(int c = 0; c < OUT; c++) sum += w[c * classes + k] * means[c];
        logits[k] = sum;
    }
}

static void head_backward(wide classes, const real *params, const vec *means, const vec *d, real *slopes, vec *before) {
    const real *w = params + classes;
    for (wide c = 0; c < OUT; c++) before[c] = splat(0);
    for (wide k = 0; k < classes; k++) {
        slopes[k] += total(d[k]);
        for (wide c = 0; c < OUT; c++) {
            slopes[classes + c * classes + k] += total(d[k] * means[c]);
            before[c] += w[c * classes + k] * d[k];
        }
    }
}

/* ---------------------------------------------------------------- a pass */

static void gather(const Form *f, const Batch *b) {
    for (wide start = 0; start < b->count; start += LANES) {
        real *to = (real *)(f->images + start / LANES * f->pixels);
        for (wide lane = 0; lane < LANES; lane++) {
            wide image = start + lane;
            const real *from = b->images + (image < b->count ? b->rows[image] : 0) * f->pixels;
            for (wide i = 0; i < f->pixels; i++) to[i * LANES + lane] = image < b->count ? from[i] : 0;
        }
    }
}

/* One network on one block of images; `start` is the first of them. */
static void block(const Form *f, const Batch *b, const Stack *s, wide network, wide start) {
    const real *params = s->params + network * f->params;
    real *slopes = s->slopes ? s->slopes + network * f->params : 0, kept = s->kept[network];
    const vec *map = f->images + start / LANES * f->pixels;
    vec *values = f->values, *factors = f->factors;
    const int16_t *random = (const int16_t *)f->words + start;
    wide places = 0, some = b->count - start < LANES ? b->count - start : LANES;
    for (wide n = 0; n < f->layers; n++) {
        const Layer *l = f->layer + n;
        places = l->places;
        layer_forward(l, params, map, values);
        activate(OUT * places, f->tanh, values, factors, slopes ? random : 0, b->count, s->below[network], kept);
        params += OUT * (1 + l->inputs), random += OUT * places * b->count;
        map = values, values += OUT * places, factors += OUT * places;
    }
    vec means[OUT], logits[MOST_CLASSES], d[MOST_CLASSES], arriving[OUT];
    for (wide c = 0; c < OUT; c++) {
        means[c] = splat(0);
        for (wide p = 0; p < places; p++) means[c] += map[c * places + p];
        means[c] /= (real)places;
    }
    wide labels[LANES] = {0};
    for (wide lane = 0; lane < some; lane++) labels[lane] = b->labels[b->rows[start + lane]];
    head_forward(f->classes, params, means, logits);
    judge(f->classes, logits, labels, some, b->count, s->losses + network, s->hits + network, slopes ? d : 0);
    if (!slopes) return;
    real *slope = slopes + (params - (s->params + network * f->params));
    head_backward(f->classes, params, means, d, slope, arriving);
    vec *here = f->slopes, *there = f->before;
    for (wide c = 0; c < OUT; c++)
        for (wide p = 0; p < places; p++) here[c * places + p] = arriving[c] / (real)places;
    for (wide n = f->layers; n--;) {
        const Layer *l = f->layer + n;
        wide count = OUT * l->places;
        values -= count, factors -= count, params -= OUT * (1 + l->inputs), slope -= OUT * (1 + l->inputs);
        const vec *read = n ? values - OUT * l[-1].places : f->images + start / LANES * f->pixels;
        activate_back(count, f->tanh, values, factors, kept, here);
        turn(l->places, here, f->turned);
        layer_slopes(l, read, f->turned, slope);
        if (n) {
            layer_backward(l, params, here, there);
            vec *swapped = here;
            here = there, there = swapped;
        }
    }
}

/* Gradient of the penalty, l2 times the sum of squares of kernels. */
static void penalise(const Form *f, const real *params, real l2, real *slopes) {
    wide at = 0;
    for (wide n = 0; n <= f->layers; n++) {
        wide biases = n < f->layers ? OUT : f->classes, kernel = OUT * (n < f->layers ? f->layer[n].inputs : f->classes);
        at += biases;
        for (wide i = 0; i < kernel; i++, at++) slopes[at] += 2 * l2 * params[at];
    }
}

/* Losses and hits of every network, added up; with `slopes`, under dropout, these too: of the mean loss and the penalty. */
void pass(const Form *f, const Batch *b, const Stack *s) {
    wide values = 0;
    for (wide n = 0; n < f->layers; n++) values += OUT * f->layer[n].places * b->count;
    gather(f, b);
    for (wide network = 0; network < s->networks; network++) {
        if (s->slopes) {
            real *slopes = s->slopes + network * f->params;
            for (wide i = 0; i < f->params; i++) slopes[i] = 0;
            penalise(f, s->params + network * f->params, s->penalties[network], slopes);
            draw(s->states + 4 * network, f->words, (values + 3) / 4);
        }
        for (wide start = 0; start < b->count; start += LANES) block(f, b, s, network, start);
    }
}

wide most_classes(void) { return MOST_CLASSES; }
