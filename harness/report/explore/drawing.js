/* Drawings: elements of an SVG, the cell of an architecture, its curves. */

const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter(child => child !== null));
  return element;
}

/** The nodes of a cell in a topological order. */
function sortNodes(edges) {
  const waiting = new Map();
  for (const [source, target] of edges) {
    if (!waiting.has(source)) waiting.set(source, new Set());
    if (!waiting.has(target)) waiting.set(target, new Set());
    waiting.get(target).add(source);
  }
  const nodes = [];
  while (waiting.size) {
    const free = [...waiting.keys()].find(node => [...waiting.get(node)].every(source => nodes.includes(source)));
    if (free === undefined) return [...nodes, ...waiting.keys()];
    nodes.push(free);
    waiting.delete(free);
  }
  return nodes;
}

/** The lane of each edge: 0 is the row of nodes itself, 1, 2, … above it, -1, -2, … below. */
function assignLanes(spans) {
  const taken = new Map(),
    lanes = new Array(spans.length).fill(0);
  const order = [...spans.keys()].sort(
    (i, j) => spans[i][1] - spans[i][0] - (spans[j][1] - spans[j][0]) || spans[i][0] - spans[j][0]
  );
  for (const at of order) {
    const [start, end] = spans[at];
    let lane = end - start === 1 ? 0 : 1;
    while ((taken.get(lane) ?? []).some(([from, to]) => start < to && from < end)) lane = lane > 0 ? -lane : 1 - lane;
    taken.set(lane, [...(taken.get(lane) ?? []), [start, end]]);
    lanes[at] = lane;
  }
  return lanes;
}

/** The cell of an architecture: a thumbnail, or a large drawing with the names of nodes and operations. */
function drawCell(arch, large = false) {
  const edges = run.cells[arch].map(at => run.edges[at]);
  if (!edges.length) return null;
  const nodes = sortNodes(edges),
    lanes = assignLanes(edges.map(([a, b]) => [nodes.indexOf(a), nodes.indexOf(b)]));
  const step = large ? 132 : 22,
    lane = large ? 34 : 8,
    radius = large ? 12 : 2.5,
    pad = large ? 22 : 5;
  const up = Math.max(0, ...lanes),
    down = Math.max(0, ...lanes.map(each => -each));
  const width = 2 * pad + step * (nodes.length - 1),
    middle = pad + lane * up,
    height = 2 * pad + lane * (up + down);
  const said = edges.map(([a, b, of]) => `${a} to ${b}: ${run.operations[of].label}`).join("; ");
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    class: large ? "cell large" : "cell",
    role: "img",
    "aria-label": `Cell. ${said}`
  });
  const labels = [];
  edges.forEach(([source, target, of], at) => {
    const operation = run.operations[of],
      y = middle - lanes[at] * lane;
    const [x0, x1] = [source, target].map(node => pad + step * nodes.indexOf(node));
    const start = x0 + (large ? radius : 0),
      end = x1 - (large ? radius : 0),
      bend = Math.min((end - start) / 2, step * 0.45);
    const path =
      lanes[at] === 0
        ? `M${start} ${middle}H${end}`
        : `M${start} ${middle}C${start + bend / 2} ${middle} ${start} ${y} ${start + bend} ${y}H${end - bend}C${end} ${y} ${end - bend / 2} ${middle} ${end} ${middle}`;
    svg.append(draw("path", {d: path, class: operation.nothing ? "edge nothing" : "edge", style: colourOf(operation)}));
    if (large && !operation.nothing)
      labels.push(
        draw("text", {x: (start + end) / 2, y: y + 4, class: "edge-name", style: colourOf(operation)}, operation.label)
      );
  });
  nodes.forEach((node, at) => {
    svg.append(draw("circle", {cx: pad + step * at, cy: middle, r: radius, class: "node"}));
    if (large)
      svg.append(
        draw("text", {x: pad + step * at, y: middle + 4, class: "node-name"}, node.length > 3 ? node.slice(0, 3) : node)
      );
  });
  svg.append(...labels);
  return svg;
}

/** Round numbers for the ticks of an axis. */
function ticks(low, high, count = 4) {
  const raw = (high - low) / count || 1,
    power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map(each => each * power).find(each => each >= raw * 0.999);
  const found = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-9; tick += step)
    found.push(Number(tick.toPrecision(12)));
  return found;
}

/** One column along the training: the architecture in front of the median and quartiles of the others. */
function drawCurve(arch, column) {
  const steps = run.curves.steps,
    all = run.curves.values[column],
    own = all[arch];
  const places = [...steps.keys()].filter(at => all.some(row => row[at] !== null));
  if (!places.length) return null;
  const band = places.map(at => {
    const sorted = all
      .filter((row, other) => other !== arch && row[at] !== null)
      .map(row => row[at])
      .sort((a, b) => a - b);
    return sorted.length ? [quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)] : null;
  });
  const values = [...band.flat(), ...places.map(at => own[at])].filter(value => value !== null && value !== undefined);
  const low = Math.min(...values),
    high = Math.max(...values) > low ? Math.max(...values) : low + 1;
  const width = 320,
    height = 170,
    left = 48,
    right = 10,
    top = 10,
    foot = 32;
  const x = step => left + ((width - left - right) * (step - steps[0])) / (steps.at(-1) - steps[0] || 1);
  const y = value => top + ((height - top - foot) * (high - value)) / (high - low);
  const line = pairs =>
    pairs
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([at, value], i) => `${i ? "L" : "M"}${x(steps[at]).toFixed(1)} ${y(value).toFixed(1)}`)
      .join("");
  const inside = places.map((at, i) => [at, band[i]]).filter(([, each]) => each);
  const upper = line(inside.map(([at, each]) => [at, each[2]])),
    lower = line(inside.map(([at, each]) => [at, each[0]]).reverse()).replace("M", "L");
  const name = column.replaceAll("_", " ");
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${height}`,
    class: "curve",
    role: "img",
    "aria-label": `${name} of this architecture over the steps, in front of the median and quartiles of the others`
  });
  svg.append(
    draw("path", {d: `${upper}${lower}Z`, class: "band"}),
    draw("path", {d: line(inside.map(([at, each]) => [at, each[1]])), class: "median"}),
    draw("path", {d: line(places.map(at => [at, own[at]])), class: "own"})
  );
  for (const tick of ticks(low, high, 3))
    svg.append(draw("text", {x: left - 6, y: y(tick) + 4, class: "tick end"}, short(tick)));
  for (const tick of ticks(steps[0], steps.at(-1)))
    svg.append(draw("text", {x: x(tick), y: height - foot + 16, class: "tick middle"}, short(tick)));
  svg.append(
    draw("path", {d: `M${left} ${top}V${height - foot}H${width - right}`, class: "axis"}),
    draw("text", {x: width - right, y: height - 3, class: "tick end"}, "steps")
  );
  return make("figure", {className: "small"}, svg, make("figcaption", {}, name));
}

/** The drawing as a file of its own: what the style sheet says is written into it. */
function svgText(svg) {
  const copy = svg.cloneNode(true),
    parts = [...svg.querySelectorAll("*")],
    copies = [...copy.querySelectorAll("*")];
  parts.forEach((part, at) => {
    const style = getComputedStyle(part);
    for (const key of [
      "fill",
      "stroke",
      "stroke-width",
      "stroke-linecap",
      "stroke-dasharray",
      "opacity",
      "font-size",
      "font-family",
      "text-anchor"
    ])
      copies[at].style.setProperty(key, style.getPropertyValue(key));
  });
  copy.setAttribute("xmlns", SVG);
  copy.style.background = getComputedStyle(document.body).backgroundColor;
  return new XMLSerializer().serializeToString(copy);
}
