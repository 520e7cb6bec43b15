/* One update of SGD on a small network of convolutions, dense layers, BatchNorms, sums and poolings, on one core.

   Images stand side by side in the lanes of a vector: a map is [block][channel][row][column][LANES], where a block
   holds LANES images. Every kernel is then a plain loop over numbers that happen to be vectors: no width, no number of
   channels and no border is a special case. What a convolution reads is copied to a tile with a frame of zeros first,
   with ReLU, or the way back through BatchNorm, applied as it is copied; neither is a pass over memory of its own.

   Lanes of the last block that hold no image are kept out of BatchNorm's statistics and have no gradient.

   `order.py` decides what is done in which order and `memory.py` owns all memory; `structures.py` mirrors the structures
   below. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef REAL
#define REAL float
#define BITS int32_t
#endif

#if defined(__AVX512F__)
#define BYTES 64 /* of a vector register */
#define REGISTERS 32
#elif defined(__AVX__)
#define BYTES 32
#define REGISTERS 16
#elif defined(__aarch64__)
#define BYTES 16
#define REGISTERS 32
#else
#define BYTES 16
#define REGISTERS 16
#endif
#define LANES ((wide)(BYTES / sizeof(real)))

#if REGISTERS == 32
#define PIXELS 6 /* columns that a convolution makes at once, times 4 channels: its sums stay in registers */
#define PAIR 2   /* channels whose 9 weight gradients are summed at once */
#else
#define PIXELS 3
#define PAIR 1
#endif
#define ROWS 4
#define CACHED (512 * 1024) /* bytes of tiles that are worked on at a time: half a core's own cache */

typedef REAL real;
typedef real vec __attribute__((vector_size(BYTES)));
typedef BITS bits __attribute__((vector_size(BYTES)));
typedef real quad __attribute__((vector_size(16), may_alias)); /* the smallest register there is */
typedef int64_t wide;

#ifdef __AVX512F__
#define KEEP(x) __asm__("" : "+v"(x)) /* in a register: one load for all that use it */
#else
#define KEEP(x) (void)0
#endif

#define EACH _Pragma("GCC unroll 16") for
#define INLINE static inline __attribute__((always_inline))

typedef struct { /* BatchNorm of `channels` channels; where scale is NULL a bias, `shift`, or with that NULL the identity */
    real *scale, *shift, *mean, *variance; /* its parameters and running statistics */
    real *scale_slope, *shift_slope;       /* their gradients */
    real *a, *b;                           /* forward: y = a x + b */
    real *p, *q, *r;                       /* backward: dx = p dy + q x + r */
    double *centre, *spread;               /* of this batch: mean, 1 / sd */
    wide channels;
} Norm;

typedef struct { /* k x k convolution, padded by at most k - 1, of what the group reads */
    wide k, stride, padding, out;
    real *weight, *slope;    /* (out, in, k, k) at the strides below; its gradient, laid out the same, or NULL: fixed */
    wide so, si, sy, sx;
    real *packed, *turned;   /* weights in the kernels' order, forward and backward */
    vec *raw;                /* result, before the norm */
    vec *arriving;           /* gradient of the node that it is added to */
    vec *salience;           /* [block][out]: sum over pixels of the raw result times its gradient */
    Norm norm;
} Conv;

typedef struct { /* one term of a node; `kind` is one of TERM_... */
    wide kind, first;        /* first: the source's gradient is written, not added to */
    vec *map, *slope;        /* what is read and its gradient, or of a convolution its raw result */
    wide window, stride, height, width; /* of a maximum, and of the map that it reads */
    Norm norm;
} Term;

enum { TERM_CONV, TERM_MAP, TERM_POOL3, TERM_POOL2, TERM_NORM, TERM_CONSTANT, TERM_MAX };
enum { DO_CONVS, DO_DENSE, DO_NODE, DO_STATISTICS, DO_HEAD, DO_CONVS_BACK, DO_DENSE_BACK, DO_NODE_BACK };

typedef struct {
    wide kind;
    wide channels, height, width;      /* of the map read (convolutions) or made (node) */
    vec *map, *slope;                  /* that map and its gradient; slope NULL: none is wanted */
    wide rectify, first, count;        /* ReLU on what is read; gradient written, not added; number of parts */
    Conv *convs;
    Term *terms;
    real *weight, *bias, *weight_slope, *bias_slope; /* head: (classes, channels) and (classes) */
    wide classes;
    vec *factors; /* dropout of an update, (blocks, channels), of what a head or a dense layer reads, or NULL */
} Op;

typedef struct {
    real *value, *slope, *momentum;
    wide count;
} Weight;

typedef struct {
    Op *ops;
    Weight *weights;
    wide op_count, weight_count;
    vec *images;         /* map of the input */
    wide channels, height, width;
    vec *tile_in, *tile_out, *tile_back; /* scratch: framed tiles of GROUP blocks */
    double *scratch;     /* sums, 4 x blocks x channels */
    double norm_momentum, epsilon; /* norm_momentum 0: running statistics do not move */
    wide group_pixels;
    wide still;          /* norms use their running statistics, and nothing moves */
    wide salient;        /* saliences are wanted */
} Program;

typedef struct { /* images n of (all, rows_apart, pitch, channels), cut out at (top, left) */
    const real *from;
    wide rows_apart, pitch, images;
    const wide *rows, *top, *left;
    const uint8_t *mirrored;
    const wide *labels; /* of the batch; NULL: logits alone are wanted */
} Batch;

/* ---------------------------------------------------------------- small helpers */

INLINE vec splat(real x) { return (vec){0} + x; }
INLINE vec rectified(vec x) { return (vec)((bits)x & ~(x <= 0)); } /* nan stays nan */
INLINE vec where_positive(vec x, vec y) { return (vec)((bits)y & (x > 0)); }
INLINE double total(vec x) { /* by halves */
#if BYTES == 64
    quad *part = (quad *)&x, sum = (part[0] + part[1]) + (part[2] + part[3]);
#elif BYTES == 32
    quad *part = (quad *)&x, sum = part[0] + part[1];
#else
    quad sum = x;
#endif
    double all = 0;
    EACH(int i = 0; i < (int)(sizeof(quad) / sizeof(real)); i += 2) all += (double)(sum[i] + sum[i + 1]);
    return all;
}
INLINE vec lanes(wide images, wide block) { /* 1 where the lane holds an image */
    vec m = splat(0);
    for (int i = 0; i < LANES; i++) m[i] = block * LANES + i < images ? 1 : 0;
    return m;
}
INLINE wide blocks_of(wide images) { return (images + LANES - 1) / LANES; }

/* ---------------------------------------------------------------- convolution kernels */

/* out[c][x] (+)= sum over i and taps (ky, kx) of w[i][ky][kx][c] * tile[i][ky][x * stride + kx], for CO channels c and
   PX columns x; results are `step` apart in a row and `jump` from channel to channel. */
#define KERNEL(CO, PX)                                                                                                 \
    static void convolve_##CO##_##PX(const vec *tile, wide plane, wide pitch, const real *w, wide in, wide kh,          \
                                     wide kw, wide stride, vec *out, wide jump, wide step, wide add) {                          \
        vec sum[CO][PX];                                                                                               \
        EACH(int c = 0; c < CO; c++)                                                                                   \
        EACH(int x = 0; x < PX; x++) sum[c][x] = add ? out[c * jump + x * step] : splat(0);                            \
        for (wide i = 0; i < in; i++, tile += plane)                                                                   \
            for (wide ky = 0; ky < kh; ky++)                                                                           \
                for (wide kx = 0; kx < kw; kx++, w += CO) {                                                            \
                    const vec *at = tile + ky * pitch + kx;                                                            \
                    vec seen[PX];                                                                                      \
                    EACH(int x = 0; x < PX; x++) {                                                                     \
                        seen[x] = at[x * stride];                                                                      \
                        KEEP(seen[x]);                                                                                 \
                    }                                                                                                  \
                    EACH(int c = 0; c < CO; c++)                                                                       \
                    EACH(int x = 0; x < PX; x++) sum[c][x] += w[c] * seen[x];                                          \
                }                                                                                                      \
        EACH(int c = 0; c < CO; c++)                                                                                   \
        EACH(int x = 0; x < PX; x++) out[c * jump + x * step] = sum[c][x];                                             \
    }
#define KERNELS(PX) KERNEL(1, PX) KERNEL(4, PX)
KERNELS(1) KERNELS(2) KERNELS(3)
#if PIXELS == 6
KERNELS(4) KERNELS(5) KERNELS(6)
#define WIDTHS(CO)                                                                                                     \
    {convolve_##CO##_1, convolve_##CO##_2, convolve_##CO##_3, convolve_##CO##_4, convolve_##CO##_5, convolve_##CO##_6}
#else
#define WIDTHS(CO) {convolve_##CO##_1, convolve_##CO##_2, convolve_##CO##_3}
#endif

typedef void (*Kernel)(const vec *, wide, wide, const real *, wide, wide, wide, wide, vec *, wide, wide, wide);
static const Kernel kernels[2][PIXELS] = {WIDTHS(1), WIDTHS(4)};

typedef struct { /* where a convolution writes: distance of channels, rows and columns */
    vec *at;
    wide plane, pitch, step;
} Place;

INLINE wide made(const Conv *f, wide side) { /* pixels of a side of its result */
    return (side + 2 * f->padding - f->k) / f->stride + 1;
}
INLINE wide at_once(wide left) { return left >= ROWS ? ROWS : 1; }

/* One block: tile (in, rows, pitch) to `channels` maps of height x width; weights packed by 4 channels, the rest one by
   one. A few rows of all channels at a time, so that what they read stays in the cache. */
static void convolve(const vec *tile, wide rows, wide pitch, const real *weights, wide in, wide kh, wide kw,
                     wide stride, Place to, wide channels, wide height, wide width, wide add) {
    wide pieces = (width + PIXELS - 1) / PIXELS, strip = CACHED / 2 / (in * pitch * stride * (wide)sizeof(vec));
    if (strip < 1) strip = 1;
    for (wide top = 0; top < height; top += strip) {
        wide bottom = top + strip < height ? top + strip : height;
        const real *w = weights;
        for (wide c = 0, co; c < channels; w += co * in * kh * kw, c += co) {
            co = at_once(channels - c);
            for (wide y = top; y < bottom; y++)
                for (wide piece = 0, x = 0, px; piece < pieces; piece++, x += px) {
                    px = (width - x + pieces - piece - 1) / (pieces - piece);
                    kernels[co == ROWS][px - 1](tile + y * stride * pitch + x * stride, rows * pitch, pitch, w, in, kh,
                                                kw, stride, to.at + c * to.plane + y * to.pitch + x * to.step, to.plane,
                                                to.step, add);
                }
        }
    }
}

/* Of the taps of a k x k convolution, those through which its outputs reach inputs of `parity` (their place modulo the
   stride), the first to read first. Returns how many; `first` is the output that the first reads for input `parity`. */
static wide taps_to(const Conv *f, wide parity, wide *taps, wide *first) {
    wide count = 0, border = f->padding;
    for (wide t = f->k - 1; t >= 0; t--)
        if ((parity + border - t + f->stride) % f->stride == 0) {
            if (!count) *first = (parity + border - t + f->stride) / f->stride - 1;
            taps[count++] = t;
        }
    return count;
}

/* Weights in the order in which the kernels read them: [4 outputs][in][tap] forward, [4 inputs][out][tap] backward,
   there for each parity of row and column by itself. */
static void pack(const Conv *f, wide in) {
    real *to = f->packed;
    for (wide c = 0, co; c < f->out; c += co) {
        co = at_once(f->out - c);
        for (wide i = 0; i < in; i++)
            for (wide t = 0; t < f->k * f->k; t++)
                for (wide j = 0; j < co; j++)
                    *to++ = f->weight[(c + j) * f->so + i * f->si + t / f->k * f->sy + t % f->k * f->sx];
    }
    if (!f->turned) return;
    to = f->turned;
    for (wide parity = 0; parity < f->stride * f->stride; parity++) {
        wide down[f->k], across[f->k], unused;
        wide high = taps_to(f, parity / f->stride, down, &unused);
        wide broad = taps_to(f, parity % f->stride, across, &unused);
        for (wide c = 0, co; c < in; c += co) {
            co = at_once(in - c);
            for (wide o = 0; o < f->out; o++)
                for (wide t = 0; t < high * broad; t++)
                    for (wide j = 0; j < co; j++)
                        *to++ = f->weight[o * f->so + (c + j) * f->si + down[t / broad] * f->sy +
                                          across[t % broad] * f->sx];
        }
    }
}

typedef struct { /* what weight gradients are summed over: some rows of some blocks */
    const vec *back, *tile;
    wide back_block, back_plane, tile_block, tile_plane, pitch, stride, height, width, blocks;
} Field;

/* sums[c][i][t]: over blocks and pixels, back[c] * tile[i] shifted by tap t of k x k; CO channels c, CI channels i */
#define SLOPES(K, CO, CI)                                                                                              \
    static void slopes_##K##_##CO(Field f, double *sums) {                                                             \
        vec sum[CO][CI][K * K];                                                                                        \
        EACH(int c = 0; c < CO; c++)                                                                                   \
        EACH(int i = 0; i < CI; i++)                                                                                   \
        EACH(int t = 0; t < K * K; t++) sum[c][i][t] = splat(0);                                                       \
        for (wide b = 0; b < f.blocks; b++)                                                                            \
            for (wide y = 0; y < f.height; y++) {                                                                      \
                const vec *at = f.tile + b * f.tile_block + y * f.stride * f.pitch;                                    \
                const vec *from = f.back + b * f.back_block + y * f.width;                                             \
                for (wide x = 0; x < f.width; x++, at += f.stride, from++)                                             \
                    EACH(int i = 0; i < CI; i++)                                                                       \
                    EACH(int t = 0; t < K * K; t++) {                                                                  \
                        vec seen = at[i * f.tile_plane + t / K * f.pitch + t % K];                                     \
                        KEEP(seen);                                                                                    \
                        EACH(int c = 0; c < CO; c++) sum[c][i][t] += from[c * f.back_plane] * seen;                    \
                    }                                                                                                  \
            }                                                                                                          \
        EACH(int c = 0; c < CO; c++)                                                                                   \
        EACH(int i = 0; i < CI; i++)                                                                                   \
        EACH(int t = 0; t < K * K; t++) sums[(c * CI + i) * K * K + t] = total(sum[c][i][t]);                          \
    }
SLOPES(3, 1, 1)
SLOPES(1, 1, 1)
#if PAIR == 2
SLOPES(3, 2, 1)
#endif
SLOPES(1, 4, 4)

/* sums[c][t]: the same for KX taps of one row of any kernel, and one channel of the tile */
#define ROW_SLOPES(CO, KX)                                                                                             \
    static void row_slopes_##CO##_##KX(Field f, double *sums) {                                                        \
        vec sum[CO][KX];                                                                                               \
        EACH(int c = 0; c < CO; c++)                                                                                   \
        EACH(int t = 0; t < KX; t++) sum[c][t] = splat(0);                                                             \
        for (wide b = 0; b < f.blocks; b++)                                                                            \
            for (wide y = 0; y < f.height; y++) {                                                                      \
                const vec *at = f.tile + b * f.tile_block + y * f.stride * f.pitch;                                    \
                const vec *from = f.back + b * f.back_block + y * f.width;                                             \
                for (wide x = 0; x < f.width; x++, at += f.stride, from++)                                             \
                    EACH(int t = 0; t < KX; t++) {                                                                     \
                        vec seen = at[t];                                                                              \
                        KEEP(seen);                                                                                    \
                        EACH(int c = 0; c < CO; c++) sum[c][t] += from[c * f.back_plane] * seen;                       \
                    }                                                                                                  \
            }                                                                                                          \
        EACH(int c = 0; c < CO; c++)                                                                                   \
        EACH(int t = 0; t < KX; t++) sums[c * KX + t] = total(sum[c][t]);                                              \
    }
#define ROW_WIDTHS(CO) ROW_SLOPES(CO, 1) ROW_SLOPES(CO, 2) ROW_SLOPES(CO, 3) ROW_SLOPES(CO, 4) ROW_SLOPES(CO, 5)
#define ROW_NAMES(CO) {row_slopes_##CO##_1, row_slopes_##CO##_2, row_slopes_##CO##_3, row_slopes_##CO##_4, row_slopes_##CO##_5}
#define TAPS 5 /* of a row, summed at once */
ROW_WIDTHS(1)
#if REGISTERS == 32
#define TOGETHER 4 /* channels of the gradient that share them */
ROW_WIDTHS(4)
static void (*const row_slopes[2][TAPS])(Field, double *) = {ROW_NAMES(1), ROW_NAMES(4)};
#else
#define TOGETHER 2
ROW_WIDTHS(2)
static void (*const row_slopes[2][TAPS])(Field, double *) = {ROW_NAMES(1), ROW_NAMES(2)};
#endif

/* Adds to the weight gradients of `co` outputs, from `o` on, and input `i` what a field brings, for any kernel. */
static void row_by_row(const Conv *f, Field field, wide o, wide co, wide i) {
    double sums[TOGETHER * TAPS];
    const vec *tile = field.tile;
    for (wide ky = 0; ky < f->k; ky++)
        for (wide kx = 0, taps; kx < f->k; kx += taps) {
            const double *sum = sums;
            taps = f->k - kx < TAPS ? f->k - kx : TAPS;
            field.tile = tile + ky * field.pitch + kx;
            row_slopes[co == TOGETHER][taps - 1](field, sums);
            for (wide c = o; c < o + co; c++)
                for (wide t = kx; t < kx + taps; t++) f->slope[c * f->so + i * f->si + ky * f->sy + t * f->sx] += *sum++;
        }
}

/* Adds to the convolution's weight gradient what some blocks bring: back (out, height, width) and tile (in, rows,
   pitch) of each. Some outputs at a time, so that their planes stay in the cache while those of the tile go by. */
static void weight_slopes(const Conv *f, wide in, const vec *back, wide height, wide width, const vec *tile, wide rows,
                          wide pitch, wide blocks) {
    wide plane = height * width, room = CACHED / 2 / (plane * blocks * (wide)sizeof(vec)) / 4 * 4;
    double sums[PAIR * 9 > 16 ? PAIR * 9 : 16];
    if (room < 4) room = 4;
    for (wide begin = 0; begin < f->out; begin += room)
        for (wide i = 0, ci; i < in; i += ci)
            for (wide o = begin, co = ci = 1; o < f->out && o < begin + room; o += co) {
                Field field = {back + o * plane, tile + i * rows * pitch, f->out * plane, plane, in * rows * pitch,
                               rows * pitch, pitch, f->stride, height, width, blocks};
                if (f->k > 1 && f->k != 3) {
                    co = f->out - o >= TOGETHER ? TOGETHER : 1;
                    row_by_row(f, field, o, co, i);
                    continue;
                }
                if (f->k == 3) {
                    co = f->out - o >= PAIR ? PAIR : 1;
#if PAIR == 2
                    (co == 2 ? slopes_3_2 : slopes_3_1)(field, sums);
#else
                    slopes_3_1(field, sums);
#endif
                } else {
                    co = ci = in % 4 || f->out % 4 ? 1 : 4;
                    (co == 4 ? slopes_1_4 : slopes_1_1)(field, sums);
                }
                const double *sum = sums;
                for (wide c = o; c < o + co; c++)
                    for (wide j = i; j < i + ci; j++)
                        for (wide ky = 0; ky < f->k; ky++)
                            for (wide kx = 0; kx < f->k; kx++)
                                f->slope[c * f->so + j * f->si + ky * f->sy + kx * f->sx] += *sum++;
            }
}

/* ---------------------------------------------------------------- norms */

/* Mean and sum of squared distances of each channel of one block, into sums[2 channels]. */
static void block_moments(const vec *x, wide channels, wide pixels, vec mask, double here, double *sums) {
    for (wide c = 0; c < channels; c++, x += pixels) {
        vec s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;
        wide i = 0;
        for (; i + 4 <= pixels; i += 4) s0 += x[i], s1 += x[i + 1], s2 += x[i + 2], s3 += x[i + 3];
        for (; i < pixels; i++) s0 += x[i];
        double mean = total((s0 + s1 + s2 + s3) * mask) / (here * pixels);
        vec m = splat(mean);
        s0 = s1 = s2 = s3 = splat(0);
        for (i = 0; i + 4 <= pixels; i += 4) {
            vec d0 = x[i] - m, d1 = x[i + 1] - m, d2 = x[i + 2] - m, d3 = x[i + 3] - m;
            s0 += d0 * d0, s1 += d1 * d1, s2 += d2 * d2, s3 += d3 * d3;
        }
        for (; i < pixels; i++) s0 += (x[i] - m) * (x[i] - m);
        /* the rounded mean is not the mean; what it is off is exact to first order in the merge */
        sums[2 * c] = m[0];
        sums[2 * c + 1] = total((s0 + s1 + s2 + s3) * mask);
    }
}

static void still_norm(const Program *g, const Norm *n) {
    for (wide c = 0; c < n->channels; c++) {
        double a = n->scale[c] / sqrt(n->variance[c] + g->epsilon);
        n->a[c] = a, n->b[c] = n->shift[c] - a * n->mean[c];
    }
}

static void merge_moments(const Program *g, const Norm *n, const double *sums, wide images, wide pixels) {
    wide blocks = blocks_of(images);
    double count = (double)images * pixels;
    for (wide c = 0; c < n->channels; c++) {
        double mean = 0, square = 0;
        for (wide b = 0; b < blocks; b++) {
            double here = (double)(b + 1 < blocks ? LANES : images - b * LANES) * pixels;
            mean += sums[2 * (b * n->channels + c)] * (here / count);
        }
        for (wide b = 0; b < blocks; b++) {
            double here = (double)(b + 1 < blocks ? LANES : images - b * LANES) * pixels;
            double off = sums[2 * (b * n->channels + c)] - mean;
            square += sums[2 * (b * n->channels + c) + 1] + off * off * here;
        }
        double variance = square / count, inverse = 1 / sqrt(variance + g->epsilon);
        n->centre[c] = mean, n->spread[c] = inverse;
        n->a[c] = n->scale[c] * inverse, n->b[c] = n->shift[c] - n->scale[c] * inverse * mean;
        if (g->norm_momentum == 0) continue; /* 0 times infinity is no 0 */
        n->mean[c] += g->norm_momentum * (mean - n->mean[c]);
        n->variance[c] += g->norm_momentum * (square / (count - 1) - n->variance[c]);
    }
}

/* The norm of zeros: b alone. */
static void constant_norm(const Program *g, const Norm *n) {
    if (g->still) {
        still_norm(g, n);
        return;
    }
    for (wide c = 0; c < n->channels; c++) {
        n->b[c] = n->shift[c];
        if (g->norm_momentum == 0) continue;
        n->mean[c] -= g->norm_momentum * n->mean[c], n->variance[c] -= g->norm_momentum * n->variance[c];
    }
}

/* Gradients of scale and shift, and the coefficients of dx = p dy + q x + r. */
static void norm_back(const Norm *n, const vec *arriving, const vec *x, wide images, wide pixels) {
    wide blocks = blocks_of(images);
    double count = (double)images * pixels;
    for (wide c = 0; c < n->channels; c++) {
        double sum = 0, along = 0;
        vec m = splat(n->centre[c]);
        for (wide b = 0; b < blocks; b++) {
            const vec *dy = arriving + (b * n->channels + c) * pixels, *at = x + (b * n->channels + c) * pixels;
            vec s0 = splat(0), s1 = s0, t0 = s0, t1 = s0;
            wide i = 0;
            for (; i + 2 <= pixels; i += 2) {
                s0 += dy[i], s1 += dy[i + 1];
                t0 += dy[i] * (at[i] - m), t1 += dy[i + 1] * (at[i + 1] - m);
            }
            for (; i < pixels; i++) s0 += dy[i], t0 += dy[i] * (at[i] - m);
            sum += total(s0 + s1), along += total(t0 + t1);
        }
        double inverse = n->spread[c], mean = n->centre[c];
        along *= inverse;
        n->shift_slope[c] = sum, n->scale_slope[c] = along;
        double p = n->scale[c] * inverse, q = -p * inverse * along / count;
        n->p[c] = p, n->q[c] = q, n->r[c] = -p * sum / count - q * mean;
    }
}

/* The gradient of a bias. */
static void bias_back(const Norm *n, const vec *dy, wide blocks, wide pixels) {
    for (wide c = 0; c < n->channels; c++) {
        double sum = 0;
        for (wide b = 0; b < blocks; b++) {
            const vec *at = dy + (b * n->channels + c) * pixels;
            vec s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;
            wide i = 0;
            for (; i + 4 <= pixels; i += 4) s0 += at[i], s1 += at[i + 1], s2 += at[i + 2], s3 += at[i + 3];
            for (; i < pixels; i++) s0 += at[i];
            sum += total((s0 + s1) + (s2 + s3));
        }
        n->shift_slope[c] = sum;
    }
}

/* ---------------------------------------------------------------- tiles */

/* (channels, height, width) -> (channels, height + 2 f, width + 2 f) with a frame of f zeros */
static void frame(vec *tile, const vec *x, wide channels, wide height, wide width, wide f, wide rectify) {
    wide pitch = width + 2 * f;
    for (wide c = 0; c < channels; c++) {
        memset(tile, 0, f * pitch * sizeof(vec));
        tile += f * pitch;
        for (wide y = 0; y < height; y++, tile += pitch, x += width) {
            for (wide i = 0; i < f; i++) tile[i] = tile[pitch - 1 - i] = splat(0);
            if (rectify)
                for (wide i = 0; i < width; i++) tile[f + i] = rectified(x[i]);
            else
                memcpy(tile + f, x, width * sizeof(vec));
        }
        memset(tile, 0, f * pitch * sizeof(vec));
        tile += f * pitch;
    }
}

/* Gradient of a convolution's raw result: through its norm, lanes without an image at 0. */
static void raw_slope(vec *to, const Conv *f, const vec *arriving, const vec *raw, wide pixels, vec mask) {
    for (wide c = 0; c < f->out; c++, to += pixels, arriving += pixels, raw += pixels) {
        if (!f->norm.scale) {
            memcpy(to, arriving, pixels * sizeof(vec));
            continue;
        }
        vec p = f->norm.p[c] * mask, q = f->norm.q[c] * mask, r = f->norm.r[c] * mask;
        for (wide i = 0; i < pixels; i++) to[i] = p * arriving[i] + q * raw[i] + r;
    }
}

/* Per lane and channel the sum over pixels of a raw result times its gradient. */
static void salience_of(vec *to, const vec *raw, const vec *slope, wide channels, wide pixels) {
    for (wide c = 0; c < channels; c++, raw += pixels, slope += pixels) {
        vec s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;
        wide i = 0;
        for (; i + 4 <= pixels; i += 4)
            s0 += raw[i] * slope[i], s1 += raw[i + 1] * slope[i + 1], s2 += raw[i + 2] * slope[i + 2],
                s3 += raw[i + 3] * slope[i + 3];
        for (; i < pixels; i++) s0 += raw[i] * slope[i];
        to[c] = (s0 + s1) + (s2 + s3);
    }
}

/* ---------------------------------------------------------------- operations */

/* What a convolution's raw gradient (out, high, across) brings to that of one block it reads (in, height, width). */
static void input_slope(const Conv *f, wide in, const vec *back, vec *framed, vec *to, wide height, wide width,
                        wide add) {
    wide stride = f->stride, high = made(f, height), across = made(f, width), border = f->k - 1 - f->padding;
    wide rows = high + 2 * border, pitch = across + 2 * border;
    const real *w = f->turned;
    frame(framed, back, f->out, high, across, border, 0);
    for (wide parity = 0; parity < stride * stride; parity++) {
        wide down[f->k], columns[f->k], y = 0, x = 0, py = parity / stride, px = parity % stride;
        wide kh = taps_to(f, py, down, &y), kw = taps_to(f, px, columns, &x);
        convolve(framed + (y + border) * pitch + x + border, rows, pitch, w, f->out, kh, kw, 1,
                 (Place){to + py * width + px, height * width, stride * width, stride}, in,
                 (height - py + stride - 1) / stride, (width - px + stride - 1) / stride, add);
        w += in * f->out * kh * kw;
    }
}

static void convs_forward(const Program *g, const Op *op, wide images) {
    wide blocks = blocks_of(images), in = op->channels, height = op->height, width = op->width;
    wide f = 0, plane = height * width, largest = 0;
    for (wide j = 0; j < op->count; j++) {
        if (op->convs[j].padding > f) f = op->convs[j].padding;
        if (op->convs[j].out > largest) largest = op->convs[j].out;
        pack(op->convs + j, in);
    }
    wide rows = height + 2 * f, pitch = width + 2 * f;
    for (wide b = 0; b < blocks; b++) {
        wide here = b + 1 < blocks ? LANES : images - b * LANES;
        vec mask = lanes(images, b);
        frame(g->tile_in, op->map + b * in * plane, in, height, width, f, op->rectify);
        for (wide j = 0; j < op->count; j++) {
            const Conv *conv = op->convs + j;
            wide high = made(conv, height), across = made(conv, width), inset = f - conv->padding;
            vec *raw = conv->raw + b * conv->out * high * across;
            convolve(g->tile_in + inset * (pitch + 1), rows, pitch, conv->packed, in, conv->k, conv->k, conv->stride,
                     (Place){raw, high * across, across, 1}, conv->out, high, across, 0);
            if (conv->norm.scale && !g->still)
                block_moments(raw, conv->out, high * across, mask, here,
                              g->scratch + 2 * (j * blocks * largest + b * conv->out));
        }
    }
    for (wide j = 0; j < op->count; j++) {
        const Conv *conv = op->convs + j;
        if (conv->norm.scale && g->still) still_norm(g, &conv->norm);
        if (conv->norm.scale && !g->still)
            merge_moments(g, &conv->norm, g->scratch + 2 * j * blocks * largest, images,
                          made(conv, height) * made(conv, width));
    }
}

static void convs_backward(const Program *g, const Op *op, wide images) {
    wide blocks = blocks_of(images), in = op->channels, height = op->height, width = op->width, plane = height * width;
    wide f = 0;
    for (wide j = 0; j < op->count; j++) {
        if (op->convs[j].padding > f) f = op->convs[j].padding;
        wide count = op->convs[j].out * in * op->convs[j].k * op->convs[j].k;
        if (op->convs[j].slope) memset(op->convs[j].slope, 0, count * sizeof(real));
    }
    wide rows = height + 2 * f, pitch = width + 2 * f;
    wide together = g->group_pixels / plane;
    if (together < 1) together = 1;
    for (wide begin = 0; begin < blocks; begin += together) {
        wide end = begin + together < blocks ? begin + together : blocks, n = end - begin;
        for (wide b = 0; b < n; b++)
            frame(g->tile_in + b * in * rows * pitch, op->map + (begin + b) * in * plane, in, height, width, f,
                  op->rectify);
        for (wide j = 0; j < op->count; j++) {
            const Conv *conv = op->convs + j;
            wide high = made(conv, height), across = made(conv, width), small = high * across;
            wide out = conv->out, inset = f - conv->padding, size = out * small;
            for (wide b = 0; b < n; b++)
                raw_slope(g->tile_out + b * size, conv, conv->arriving + (begin + b) * size,
                          conv->raw + (begin + b) * size, small, lanes(images, begin + b));
            if (g->salient)
                for (wide b = 0; b < n; b++)
                    salience_of(conv->salience + (begin + b) * out, conv->raw + (begin + b) * size,
                                g->tile_out + b * size, out, small);
            if (conv->slope)
                weight_slopes(conv, in, g->tile_out, high, across, g->tile_in + inset * (pitch + 1), rows, pitch, n);
            if (!op->slope) continue;
            for (wide b = 0; b < n; b++)
                input_slope(conv, in, g->tile_out + b * size, g->tile_back + n * in * plane,
                            g->tile_back + b * in * plane, height, width, j > 0);
        }
        if (!op->slope) continue;
        const vec *x = op->map + begin * in * plane, *back = g->tile_back;
        vec *slope = op->slope + begin * in * plane;
        for (wide i = 0; i < n * in * plane; i++) {
            vec arrived = op->rectify ? where_positive(x[i], back[i]) : back[i];
            slope[i] = op->first ? arrived : slope[i] + arrived;
        }
    }
}

/* What a dense layer reads, in an update after dropout. */
static void dense_input(const Program *g, const Op *op, wide count, wide training) {
    frame(g->tile_in, op->map, count, 1, 1, 0, op->rectify);
    if (op->factors && training)
        for (wide i = 0; i < count; i++) g->tile_in[i] *= op->factors[i];
}

/* A dense layer, a 1 x 1 convolution of one pixel: its blocks stand for pixels, so that a weight is read once for many. */
static void dense_forward(const Program *g, const Op *op, wide images, wide training) {
    const Conv *f = op->convs;
    wide blocks = blocks_of(images), in = op->channels;
    pack(f, in);
    dense_input(g, op, blocks * in, training);
    convolve(g->tile_in, 1, 1, f->packed, in, 1, 1, in, (Place){f->raw, 1, 0, f->out}, f->out, 1, blocks, 0);
}

static void dense_backward(const Program *g, const Op *op, wide images) {
    const Conv *f = op->convs;
    wide blocks = blocks_of(images), in = op->channels, count = blocks * in;
    dense_input(g, op, count, 1);
    if (f->slope) {
        memset(f->slope, 0, f->out * in * sizeof(real));
        weight_slopes(f, in, f->arriving, 1, 1, g->tile_in, 1, 1, blocks);
    }
    if (!op->slope) return;
    vec *back = g->tile_back;
    convolve(f->arriving, 1, 1, f->turned, f->out, 1, 1, f->out, (Place){back, 1, 0, in}, in, 1, blocks, 0);
    for (wide i = 0; i < count; i++) {
        vec arrived = op->factors ? back[i] * op->factors[i] : back[i];
        if (op->rectify) arrived = where_positive(op->map[i], arrived);
        op->slope[i] = op->first ? arrived : op->slope[i] + arrived;
    }
}

/* 3 x 3 sums of a plane, the outside as 0; `rows` is scratch of one plane */
static void box(vec *to, const vec *x, vec *rows, wide height, wide width) {
    for (wide y = 0; y < height; y++, x += width) {
        vec *row = rows + y * width;
        for (wide i = 0; i < width; i++) {
            vec sum = x[i];
            if (i) sum += x[i - 1];
            if (i + 1 < width) sum += x[i + 1];
            row[i] = sum;
        }
    }
    for (wide y = 0; y < height; y++)
        for (wide i = 0; i < width; i++) {
            vec sum = rows[y * width + i];
            if (y) sum += rows[(y - 1) * width + i];
            if (y + 1 < height) sum += rows[(y + 1) * width + i];
            to[y * width + i] = sum;
        }
}

INLINE real share(wide y, wide x, wide height, wide width) { /* 1 / pixels under a 3 x 3 window */
    wide down = 1 + (y > 0) + (y + 1 < height), across = 1 + (x > 0) + (x + 1 < width);
    return (real)1 / (down * across);
}

/* The largest of each window of a plane; nan where one is there. */
static void largest(vec *to, const vec *x, const Term *term, wide height, wide width) {
    for (wide y = 0; y < height; y++)
        for (wide i = 0; i < width; i++) {
            const vec *at = x + (y * term->width + i) * term->stride;
            vec best = at[0];
            for (wide ky = 0; ky < term->window; ky++)
                for (wide kx = 0; kx < term->window; kx++) {
                    vec seen = at[ky * term->width + kx];
                    bits over = (bits)(seen > best) | (bits)(seen != seen);
                    best = (vec)(((bits)seen & over) | ((bits)best & ~over));
                }
            to[y * width + i] = best;
        }
}

/* Adds the gradient of each largest to the first place in its window that has it. */
static void largest_back(vec *slope, const vec *dy, const vec *pooled, const vec *x, const Term *term, wide height,
                         wide width) {
    for (wide y = 0; y < height; y++)
        for (wide i = 0; i < width; i++) {
            wide corner = (y * term->width + i) * term->stride;
            vec best = pooled[y * width + i];
            bits arrived = (bits)dy[y * width + i];
            for (wide ky = 0; ky < term->window; ky++)
                for (wide kx = 0; kx < term->window; kx++) {
                    wide at = corner + ky * term->width + kx;
                    bits here = (bits)(x[at] == best);
                    slope[at] += (vec)(arrived & here);
                    arrived &= ~here;
                }
        }
}

static void node_forward(const Program *g, const Op *op, wide images) {
    wide blocks = blocks_of(images), channels = op->channels, height = op->height, width = op->width;
    wide plane = height * width;
    vec *rows = g->tile_back, *pooled = rows + plane;
    for (wide t = 0; t < op->count; t++)
        if (op->terms[t].kind == TERM_CONSTANT) constant_norm(g, &op->terms[t].norm);
    for (wide b = 0; b < blocks; b++)
        for (wide c = 0; c < channels; c++) {
            vec *to = op->map + (b * channels + c) * plane;
            if (!op->count) memset(to, 0, plane * sizeof(vec));
            for (wide t = 0; t < op->count; t++) {
                const Term *term = op->terms + t;
                const vec *x = term->map + (b * channels + c) * plane;
                wide add = t > 0;
                if (term->kind == TERM_CONV || term->kind == TERM_NORM) {
                    if (term->norm.scale) {
                        vec a = splat(term->norm.a[c]), s = splat(term->norm.b[c]);
                        if (add)
                            for (wide i = 0; i < plane; i++) to[i] += a * x[i] + s;
                        else
                            for (wide i = 0; i < plane; i++) to[i] = a * x[i] + s;
                        continue;
                    }
                    if (term->norm.shift) {
                        vec s = splat(term->norm.shift[c]);
                        for (wide i = 0; i < plane; i++) to[i] = add ? to[i] + x[i] + s : x[i] + s;
                        continue;
                    }
                } else if (term->kind == TERM_CONSTANT) {
                    vec s = splat(term->norm.b[c]);
                    for (wide i = 0; i < plane; i++) to[i] = add ? to[i] + s : s;
                    continue;
                } else if (term->kind == TERM_POOL3) {
                    box(pooled, x, rows, height, width);
                    for (wide y = 0; y < height; y++)
                        for (wide i = 0; i < width; i++) pooled[y * width + i] *= share(y, i, height, width);
                    x = pooled;
                } else if (term->kind == TERM_MAX) {
                    largest(pooled, term->map + (b * channels + c) * term->height * term->width, term, height, width);
                    x = pooled;
                } else if (term->kind == TERM_POOL2) {
                    x = term->map + (b * channels + c) * plane * 4;
                    for (wide y = 0; y < height; y++)
                        for (wide i = 0; i < width; i++) {
                            const vec *at = x + 4 * y * width + 2 * i;
                            pooled[y * width + i] = (real)0.25 * (at[0] + at[1] + at[2 * width] + at[2 * width + 1]);
                        }
                    x = pooled;
                }
                if (add)
                    for (wide i = 0; i < plane; i++) to[i] += x[i];
                else
                    memcpy(to, x, plane * sizeof(vec));
            }
        }
}

static void node_backward(const Program *g, const Op *op, wide images) {
    wide blocks = blocks_of(images), channels = op->channels, height = op->height, width = op->width;
    wide plane = height * width;
    vec *rows = g->tile_back, *pooled = rows + plane, *shared = pooled + plane;
    for (wide t = 0; t < op->count; t++) {
        const Term *term = op->terms + t;
        if (term->kind == TERM_CONV || term->kind == TERM_NORM) {
            if (term->norm.scale) norm_back(&term->norm, op->slope, term->map, images, plane);
            if (term->kind == TERM_CONV && !term->norm.scale && term->norm.shift_slope)
                bias_back(&term->norm, op->slope, blocks, plane);
            if (term->kind == TERM_CONV) continue;
        }
        if (term->kind == TERM_CONSTANT)
            for (wide c = 0; c < channels; c++) {
                double sum = 0;
                for (wide b = 0; b < blocks; b++) {
                    const vec *dy = op->slope + (b * channels + c) * plane;
                    vec s = splat(0);
                    for (wide i = 0; i < plane; i++) s += dy[i];
                    sum += total(s);
                }
                term->norm.shift_slope[c] = sum, term->norm.scale_slope[c] = 0;
            }
        if (!term->slope) continue;
        for (wide b = 0; b < blocks; b++) {
            vec mask = lanes(images, b);
            for (wide c = 0; c < channels; c++) {
                wide size = term->kind == TERM_POOL2 ? 4 * plane : plane;
                if (term->kind == TERM_MAX) {
                    size = term->height * term->width;
                    vec *at = term->slope + (b * channels + c) * size;
                    if (term->first) memset(at, 0, size * sizeof(vec));
                    largest_back(at, op->slope + (b * channels + c) * plane, op->map + (b * channels + c) * plane,
                                 term->map + (b * channels + c) * size, term, height, width);
                    continue;
                }
                const vec *dy = op->slope + (b * channels + c) * plane, *x = term->map + (b * channels + c) * size;
                vec *to = term->slope + (b * channels + c) * size;
                if (term->kind == TERM_NORM) {
                    vec p = term->norm.p[c] * mask, q = term->norm.q[c] * mask, r = term->norm.r[c] * mask;
                    for (wide i = 0; i < plane; i++) pooled[i] = p * dy[i] + q * x[i] + r;
                    dy = pooled;
                } else if (term->kind == TERM_POOL3) {
                    for (wide y = 0; y < height; y++)
                        for (wide i = 0; i < width; i++)
                            shared[y * width + i] = dy[y * width + i] * share(y, i, height, width);
                    box(pooled, shared, rows, height, width);
                    dy = pooled;
                } else if (term->kind == TERM_POOL2) {
                    for (wide y = 0; y < 2 * height; y++)
                        for (wide i = 0; i < 2 * width; i++) {
                            vec part = (real)0.25 * dy[y / 2 * width + i / 2];
                            wide at = 2 * y * width + i;
                            to[at] = term->first ? part : to[at] + part;
                        }
                    continue;
                }
                if (term->first)
                    memcpy(to, dy, plane * sizeof(vec));
                else
                    for (wide i = 0; i < plane; i++) to[i] += dy[i];
            }
        }
    }
}

static void statistics(const Program *g, const Op *op, wide images) { /* of the maps that norms read directly */
    wide blocks = blocks_of(images), plane = op->height * op->width;
    if (g->still) {
        still_norm(g, &op->terms->norm);
        return;
    }
    for (wide b = 0; b < blocks; b++)
        block_moments(op->map + b * op->channels * plane, op->channels, plane, lanes(images, b),
                      b + 1 < blocks ? LANES : images - b * LANES, g->scratch + 2 * b * op->channels);
    merge_moments(g, &op->terms->norm, g->scratch, images, plane);
}

/* ReLU, mean over pixels, dense layer; with labels dropout before that layer and the cross-entropy, and back to the
   map's gradient. Returns the mean loss. */
static double head(const Op *op, wide images, const wide *labels, real *logits) {
    wide blocks = blocks_of(images), channels = op->channels, plane = op->height * op->width, classes = op->classes;
    double loss = 0;
    vec features[channels], back[channels], scores[classes];
    memset(op->weight_slope, 0, classes * channels * sizeof(real));
    if (op->bias) memset(op->bias_slope, 0, classes * sizeof(real));
    for (wide b = 0; b < blocks; b++) {
        const vec *x = op->map + b * channels * plane;
        const vec *factors = op->factors && labels ? op->factors + b * channels : NULL;
        for (wide c = 0; c < channels; c++) {
            vec sum = splat(0);
            for (wide i = 0; i < plane; i++) sum += rectified(x[c * plane + i]);
            features[c] = sum / (real)plane;
            if (factors) features[c] *= factors[c];
            back[c] = splat(0);
        }
        for (wide k = 0; k < classes; k++) {
            vec sum = splat(op->bias ? op->bias[k] : 0);
            for (wide c = 0; c < channels; c++) sum += op->weight[k * channels + c] * features[c];
            scores[k] = sum;
        }
        for (wide i = 0; i < LANES; i++) {
            wide image = b * LANES + i;
            if (image >= images) {
                for (wide k = 0; k < classes; k++) scores[k][i] = 0;
                continue;
            }
            double top = -INFINITY, sum = 0;
            for (wide k = 0; k < classes; k++) {
                logits[image * classes + k] = scores[k][i];
                if (!(scores[k][i] <= top)) top = scores[k][i];
            }
            if (!labels) continue;
            for (wide k = 0; k < classes; k++) sum += exp(scores[k][i] - top);
            loss += log(sum) + top - scores[labels[image]][i];
            for (wide k = 0; k < classes; k++)
                scores[k][i] = (exp(scores[k][i] - top) / sum - (k == labels[image])) / images;
        }
        if (!labels) continue;
        for (wide k = 0; k < classes; k++) {
            if (op->bias) op->bias_slope[k] += total(scores[k]);
            for (wide c = 0; c < channels; c++) {
                op->weight_slope[k * channels + c] += total(scores[k] * features[c]);
                back[c] += op->weight[k * channels + c] * scores[k];
            }
        }
        if (factors)
            for (wide c = 0; c < channels; c++) back[c] *= factors[c];
        if (op->slope)
            for (wide c = 0; c < channels; c++)
                for (wide i = 0; i < plane; i++) {
                    wide at = (b * channels + c) * plane + i;
                    op->slope[at] = where_positive(op->map[at], back[c] / (real)plane);
                }
    }
    return loss / images;
}

/* The images of a batch, cut out of larger ones, some mirrored, to a map. */
static void load(const Program *g, const Batch *batch) {
    wide plane = g->height * g->width, pitch = batch->pitch * g->channels, blocks = blocks_of(batch->images);
    for (wide b = 0; b < blocks; b++)
        for (wide i = 0; i < LANES; i++) {
            wide n = b * LANES + i, step = g->channels;
            real *to = (real *)(g->images + b * g->channels * plane) + i;
            if (n >= batch->images) {
                for (wide p = 0; p < plane * g->channels; p++) to[p * LANES] = 0;
                continue;
            }
            const real *from = batch->from + batch->rows[n] * batch->rows_apart * pitch + batch->top[n] * pitch +
                               batch->left[n] * g->channels;
            if (batch->mirrored[n]) from += (g->width - 1) * g->channels, step = -step;
            for (wide c = 0; c < g->channels; c++)
                for (wide y = 0; y < g->height; y++)
                    for (wide x = 0; x < g->width; x++)
                        to[((c * g->height + y) * g->width + x) * LANES] = from[c + y * pitch + x * step];
        }
}

static void descend(const Program *g, double rate, double momentum, double decay, wide nesterov, wide begun) {
    for (wide w = 0; w < g->weight_count; w++) {
        Weight weight = g->weights[w];
        real lr = rate, mu = momentum, wd = decay;
        for (wide i = 0; i < weight.count; i++) {
            real slope = weight.slope[i] + wd * weight.value[i];
            real moving = begun ? mu * weight.momentum[i] + slope : slope;
            weight.momentum[i] = moving;
            weight.value[i] -= lr * (momentum == 0 ? slope : nesterov ? slope + mu * moving : moving);
        }
    }
}

/* The operations from `begin` to before `end`, on what those before them left; returns the mean loss of a head among
   them. Unless the program is still, running statistics move. */
double run(const Program *g, const Batch *batch, real *logits, wide begin, wide end) {
    double loss = 0;
    wide images = batch->images;
    for (wide i = begin; i < end; i++) {
        const Op *op = g->ops + i;
        switch (op->kind) {
        case DO_CONVS: convs_forward(g, op, images); break;
        case DO_DENSE: dense_forward(g, op, images, batch->labels != NULL); break;
        case DO_NODE: node_forward(g, op, images); break;
        case DO_STATISTICS: statistics(g, op, images); break;
        case DO_HEAD: loss = head(op, images, batch->labels, logits); break;
        case DO_CONVS_BACK: convs_backward(g, op, images); break;
        case DO_DENSE_BACK: dense_backward(g, op, images); break;
        case DO_NODE_BACK: node_backward(g, op, images); break;
        }
    }
    return loss;
}

/* The logits of a batch, and where it has labels its mean loss and its gradients. */
double pass(const Program *g, const Batch *batch, real *logits) {
    wide end = 0;
    while (end < g->op_count && (batch->labels || g->ops[end].kind <= DO_HEAD)) end++;
    load(g, batch);
    return run(g, batch, logits, 0, end);
}

/* How many images stand in a vector. */
wide lanes_in_vector(void) { return LANES; }

/* Whether vectors are long enough here for this to be faster than torch: not on an x86 processor without AVX. */
wide pays(void) { return BYTES > 16 || REGISTERS == 32; }

/* A pass, then one step of SGD on every weight that has one. */
double update(const Program *g, const Batch *batch, real *logits, double rate, double momentum, double decay,
              wide nesterov, wide begun) {
    double loss = pass(g, batch, logits);
    descend(g, rate, momentum, decay, nesterov, begun);
    return loss;
}
