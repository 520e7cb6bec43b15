/* What the page carries, unpacked, and what is worked out of it. */

let run = null;

/** What a reader has chosen; `selected` holds places in the list of architectures. */
const state = {budget: 0, across: 0, up: "truth", families: new Set(), text: "", selected: new Set(), at: -1};

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), letter => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const found = JSON.parse(await new Response(stream).text());
  found.scores = found.scores.map((rows, predictor) => rows.map((row, at) => byArchitecture(row, found.ranks[predictor][at])));
  return found;
}

/** Scores come in the order of their ranks; null where there is no rank. */
function byArchitecture(sorted, ranks) {
  const order = [...ranks.keys()].filter(arch => ranks[arch]).sort((a, b) => ranks[a] - ranks[b] || a - b);
  const scores = new Array(ranks.length).fill(null);
  order.forEach((arch, place) => (scores[arch] = sorted[place]));
  return scores;
}

function number(value, digits = 2, sign = false) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const text = value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1");
  return (sign && value > 0 && Number(text) !== 0 ? "+" : "") + text.replace("-", MINUS);
}

function short(value) {
  if (value === null || value === undefined) return "–";
  const text =
    Math.abs(value) >= 1e4 || (value !== 0 && Math.abs(value) < 1e-3)
      ? value.toExponential(2)
      : `${Number(value.toPrecision(4))}`;
  return text.replaceAll("-", MINUS);
}

const capital = text => text.charAt(0).toUpperCase() + text.slice(1);

function seconds(value) {
  if (value === null) return "–";
  return value === 0
    ? "0"
    : value >= 100
      ? value.toFixed(0)
      : value >= 0.995
        ? value.toFixed(1)
        : `${Number(value.toPrecision(2))}`;
}

/** The rank of an architecture by a predictor at the chosen budget: 1 is best, null for no score. */
function rankOf(predictor, arch, budget = state.budget) {
  const twice = run.ranks[predictor][budget][arch];
  return twice ? twice / 2 : null;
}

/** The same brought to all architectures, where the predictor scores fewer: both ends stay both ends. */
function scaledRank(predictor, arch, budget = state.budget) {
  const rank = rankOf(predictor, arch, budget),
    m = run.predictors[predictor].n[budget];
  return rank === null || !m ? null : 0.5 + ((rank - 0.5) * run.known) / m;
}

/** Places by which a predictor ranks an architecture too high; negative where too low. */
function placesOff(predictor, arch, budget = state.budget) {
  const rank = scaledRank(predictor, arch, budget),
    truth = run.architectures.rank[arch];
  return rank === null || truth === null ? null : truth - rank;
}

function median(values) {
  if (!values.length) return null;
  const sorted = Float64Array.from(values).sort(),
    half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

function quantile(sorted, share) {
  const place = share * (sorted.length - 1),
    low = Math.floor(place);
  return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/** Kendall τ-b of two lists (Knight 1966: sort by a, count the exchanges that sort b); null where one is constant. */
function kendall(a, b) {
  const n = a.length,
    order = [...a.keys()].sort((i, j) => a[i] - a[j] || b[i] - b[j]);
  let tiedA = 0,
    tiedB = 0,
    tiedBoth = 0;
  const runs = (same, places) => {
    let pairs = 0,
      length = 1;
    for (let i = 1; i <= n; i++) {
      if (i < n && same(places[i - 1], places[i])) {
        length++;
        continue;
      }
      pairs += (length * (length - 1)) / 2;
      length = 1;
    }
    return pairs;
  };
  tiedA = runs((i, j) => a[i] === a[j], order);
  tiedBoth = runs((i, j) => a[i] === a[j] && b[i] === b[j], order);
  let values = order.map(i => b[i]),
    exchanges = 0,
    spare = new Array(n);
  for (let width = 1; width < n; width *= 2) {
    for (let low = 0; low < n; low += 2 * width) {
      const middle = Math.min(low + width, n),
        high = Math.min(low + 2 * width, n);
      for (let i = low, j = middle, k = low; k < high; k++) {
        if (i < middle && (j >= high || values[i] <= values[j])) spare[k] = values[i++];
        else {
          exchanges += middle - i;
          spare[k] = values[j++];
        }
      }
    }
    [values, spare] = [spare, values];
  }
  tiedB = runs((i, j) => values[i] === values[j], [...values.keys()]);
  const all = (n * (n - 1)) / 2,
    below = Math.sqrt((all - tiedA) * (all - tiedB));
  return below ? (all - tiedA - tiedB + tiedBoth - 2 * exchanges) / below : null;
}

/** τ of a predictor's ranks and the accuracies over some architectures; null with fewer than 4 of them scored. */
function tauWithin(predictor, places) {
  const kept = places.filter(arch => rankOf(predictor, arch) !== null && run.architectures.truth[arch] !== null);
  if (kept.length < 4) return null;
  return kendall(
    kept.map(arch => -rankOf(predictor, arch)),
    kept.map(arch => run.architectures.truth[arch])
  );
}

const titleOf = arch => run.architectures.keys[arch];
const addressOf = arch => `#architecture=${encodeURIComponent(titleOf(arch))}`;
const colourOf = each => ({"--light": each.colour, "--dark": each.dark});

function dot(predictor) {
  return make("i", {className: "dot", style: colourOf(run.families[run.predictors[predictor].family])});
}

/** The misjudgement of an architecture over all predictors: median places off, whose are most and fewest. */
function misjudged(arch) {
  const off = run.predictors.map((_, predictor) => placesOff(predictor, arch));
  const scored = [...off.keys()].filter(predictor => off[predictor] !== null);
  if (!scored.length) return {median: null, most: null, least: null, off};
  const by = better => scored.reduce((a, b) => (better(Math.abs(off[b]), Math.abs(off[a])) ? b : a));
  return {
    median: median(scored.map(predictor => Math.abs(off[predictor]))),
    most: by((b, a) => b > a),
    least: by((b, a) => b < a),
    off
  };
}
