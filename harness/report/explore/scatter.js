/* The architectures by two ranks: hover, select, compare. */

const SIDE = 440,
  LEFT = 48,
  FOOT = 44,
  HEAD = 8,
  RIGHT = 8,
  NEAR = 14;

const upIsTruth = () => state.up === "truth";

/** Where an architecture lies: [across, up] as ranks, null for no rank. */
function placeOf(arch) {
  const across = scaledRank(state.across, arch);
  const up = upIsTruth() ? run.architectures.rank[arch] : scaledRank(state.up, arch);
  return across === null || up === null ? null : [across, up];
}

const toX = rank => LEFT + ((SIDE - LEFT - RIGHT) * (run.known + 0.5 - rank)) / run.known;
const toY = rank => HEAD + ((SIDE - HEAD - FOOT) * (rank - 0.5)) / run.known;

function points() {
  const found = [];
  for (let arch = 0; arch < run.architectures.names.length; arch++) {
    const place = placeOf(arch);
    if (place) found.push({arch, x: toX(place[0]), y: toY(place[1]), across: place[0], up: place[1]});
  }
  return found;
}

const dots = list => list.map(each => `M${each.x.toFixed(1)} ${each.y.toFixed(1)}h0`).join("");
const crosses = list =>
  list.map(each => `M${(each.x - 3).toFixed(1)} ${(each.y - 3).toFixed(1)}l6 6m0-6l-6 6`).join("");

const nameOf = what => (what === "truth" ? "true rank" : `rank by ${run.predictors[what].name}`);

function renderScatter(parts) {
  const svg = parts.scatter,
    all = points(),
    dead = all.filter(each => run.architectures.dead[each.arch]);
  const alive = all.filter(each => !run.architectures.dead[each.arch]);
  const colour = colourOf(run.families[run.predictors[state.across].family]),
    few = all.length <= 400;
  const size = all.length <= 150 ? 8 : few ? 6 : all.length <= 2500 ? 4 : 2.5;
  const chosen = each => state.selected.has(each.arch),
    some = state.selected.size > 0;
  svg.replaceChildren(
    draw("rect", {x: LEFT, y: HEAD, width: SIDE - LEFT - RIGHT, height: SIDE - HEAD - FOOT, class: "ground"}),
    draw("path", {d: `M${toX(run.known)} ${toY(run.known)}L${toX(1)} ${toY(1)}`, class: "diagonal"})
  );
  const marks = [1, ...[1, 2, 3, 4].map(part => Math.round((run.known * part) / 4))];
  for (const mark of new Set(marks.filter(each => each >= 1)))
    svg.append(
      draw("text", {x: LEFT - 6, y: toY(mark) + 4, class: "tick end"}, `${mark}`),
      draw("text", {x: toX(mark), y: SIDE - FOOT + 16, class: "tick middle"}, `${mark}`)
    );
  svg.append(
    draw("path", {
      d: dots(alive.filter(each => !chosen(each))),
      class: `points${some ? " faint" : ""}`,
      "stroke-width": size,
      style: colour
    }),
    draw("path", {d: dots(alive.filter(chosen)), class: "points chosen", "stroke-width": size + 2}),
    draw("path", {d: crosses(dead.filter(each => !chosen(each))), class: "dead", style: colour}),
    draw("path", {d: crosses(dead.filter(chosen)), class: "dead chosen"}),
    draw("text", {x: (SIDE + LEFT) / 2, y: SIDE - 6, class: "tick middle"}, `${nameOf(state.across)} (1 = best)`),
    draw(
      "text",
      {x: 12, y: (SIDE - FOOT) / 2, class: "tick middle", transform: `rotate(-90 12 ${(SIDE - FOOT) / 2})`},
      nameOf(state.up)
    ),
    draw("rect", {class: "brush", width: 0, height: 0}),
    draw("circle", {class: "ring", r: 7, cx: -20, cy: -20})
  );
  svg.points = all;
  const unranked = run.architectures.names.length - all.length;
  parts.plotted.textContent = [
    run.architectures.names.length < run.of
      ? `${run.architectures.names.length.toLocaleString("en")} of ${run.of.toLocaleString("en")} architectures, evenly spaced by accuracy; ranks are among all.`
      : "",
    unranked ? `${unranked} without a rank here.` : "",
    dead.length ? "Crosses: dead architectures." : ""
  ]
    .filter(Boolean)
    .join(" ");
  parts.selection.textContent = some
    ? `${state.selected.size} of ${run.architectures.names.length} architectures selected`
    : "nothing selected";
  renderPoint(parts);
  renderDisagreement(parts);
}

/** What is known of the architecture under the pointer, or the one the arrow keys stand on. */
function renderPoint(parts) {
  const found = parts.scatter.points.find(each => each.arch === state.at),
    ring = parts.scatter.querySelector(".ring");
  ring.setAttribute("cx", found ? found.x : -20);
  ring.setAttribute("cy", found ? found.y : -20);
  if (!found) {
    parts.point.replaceChildren(
      make(
        "p",
        {className: "note"},
        "Point at an architecture, or focus the plot and use the arrow keys; Enter or a click opens its page. Drag to select."
      )
    );
    return;
  }
  const {arch} = found,
    truth = run.architectures.truth[arch];
  const scored = [state.across, ...(upIsTruth() ? [] : [state.up])].map(predictor => {
    const score = run.scores[predictor][state.budget][arch];
    return make(
      "div",
      {},
      dot(predictor),
      `${run.predictors[predictor].name}: rank ${short(rankOf(predictor, arch))}, score ${short(score)}`
    );
  });
  parts.point.replaceChildren(
    drawCell(arch) ?? "",
    make(
      "div",
      {},
      make("a", {href: addressOf(arch), className: "name"}, titleOf(arch)),
      make("div", {}, `truth ${number(truth)} %, rank ${run.architectures.rank[arch] ?? "–"} of ${run.known}`),
      ...scored
    )
  );
}

/** Where the two ranks differ most, by name. */
function renderDisagreement(parts) {
  const far = [...parts.scatter.points]
    .sort((a, b) => Math.abs(b.across - b.up) - Math.abs(a.across - a.up))
    .slice(0, 10);
  const table = parts.disagreement.querySelector("table"),
    compared = !upIsTruth();
  const heads = [
    ["architecture", "word"],
    [nameOf(state.across), "number"],
    [nameOf(state.up), "number"],
    ["difference", "number"],
    ...(compared ? [["true rank", "number"]] : [])
  ];
  table.tHead.replaceWith(headed(heads, null));
  table.tBodies[0].replaceChildren(
    ...far.map(({arch, across, up}) =>
      make(
        "tr",
        {},
        cell(make("a", {href: addressOf(arch)}, drawCell(arch) ?? "", ` ${titleOf(arch)}`), titleOf(arch), true),
        cell(short(across), across),
        cell(short(up), up),
        cell(number(up - across, Number.isInteger(up - across) ? 0 : 1, true), up - across),
        ...(compared ? [cell(short(run.architectures.rank[arch]), run.architectures.rank[arch])] : [])
      )
    )
  );
  const value = kendall(
    parts.scatter.points.map(each => each.across),
    parts.scatter.points.map(each => each.up)
  );
  const about = predictor => make("a", {href: `#${run.predictors[predictor].about}`}, run.predictors[predictor].name);
  parts.about.replaceChildren("What it is: ", about(state.across), ...(compared ? [", ", about(state.up)] : []), ".");
  parts.compared.textContent = compared
    ? `${run.predictors[state.across].name} and ${run.predictors[state.up].name} agree with τ ${number(value)} over ${parts.scatter.points.length} architectures ${run.budgets[state.budget].moment}; they disagree most on:`
    : `${run.predictors[state.across].name} is farthest off, ${run.budgets[state.budget].moment}, on:`;
}

function nearest(svg, event) {
  const box = svg.getBoundingClientRect(),
    scale = SIDE / box.width;
  const x = (event.clientX - box.left) * scale,
    y = (event.clientY - box.top) * scale;
  let best = null,
    least = (NEAR * scale) ** 2;
  for (const each of svg.points) {
    const distance = (each.x - x) ** 2 + (each.y - y) ** 2;
    if (distance < least) [best, least] = [each, distance];
  }
  return {x, y, best};
}

function select(places) {
  change({selected: new Set(places)});
}

function listenToScatter(parts) {
  const svg = parts.scatter;
  let start = null;
  svg.addEventListener("pointerdown", event => {
    start = {...nearest(svg, event), id: event.pointerId, moved: false};
  });
  svg.addEventListener("pointermove", event => {
    const here = nearest(svg, event);
    if (!start) {
      if ((here.best?.arch ?? -1) !== state.at && here.best) {
        state.at = here.best.arch;
        renderPoint(parts);
      }
      return;
    }
    if (!start.moved && Math.hypot(here.x - start.x, here.y - start.y) < 6) return;
    start.moved = true;
    svg.setPointerCapture(start.id);
    const brush = svg.querySelector(".brush");
    for (const [key, value] of Object.entries({
      x: Math.min(here.x, start.x),
      y: Math.min(here.y, start.y),
      width: Math.abs(here.x - start.x),
      height: Math.abs(here.y - start.y)
    }))
      brush.setAttribute(key, value);
  });
  svg.addEventListener("pointerup", event => {
    const begun = start,
      here = nearest(svg, event);
    start = null;
    if (begun?.moved) {
      const inside = each =>
        each.x >= Math.min(begun.x, here.x) &&
        each.x <= Math.max(begun.x, here.x) &&
        each.y >= Math.min(begun.y, here.y) &&
        each.y <= Math.max(begun.y, here.y);
      select(svg.points.filter(inside).map(each => each.arch));
    } else if (begun?.best) {
      state.at = begun.best.arch;
      renderPoint(parts);
      if (event.pointerType !== "touch") location.hash = addressOf(begun.best.arch);
    }
  });
  svg.addEventListener("pointercancel", () => {
    start = null;
  });
  svg.addEventListener("keydown", event => {
    const order = [...svg.points].sort((a, b) => a.x - b.x || b.y - a.y),
      now = order.findIndex(each => each.arch === state.at);
    const way = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1}[event.key];
    if (way) {
      state.at = order[Math.min(Math.max(now + way, 0), order.length - 1)]?.arch ?? -1;
      if (now < 0) state.at = order[way > 0 ? 0 : order.length - 1]?.arch ?? -1;
      renderPoint(parts);
    } else if (event.key === "Enter" && now >= 0) location.hash = addressOf(order[now].arch);
    else if (event.key === "Escape") select([]);
    else return;
    event.preventDefault();
  });
}

/** The best 20 % (or another share) by truth, or by the predictor across. */
function selectTop(share, byTruth) {
  const rank = arch => (byTruth ? run.architectures.rank[arch] : scaledRank(state.across, arch));
  const known = [...run.architectures.names.keys()]
    .filter(arch => rank(arch) !== null)
    .sort((a, b) => rank(a) - rank(b) || a - b);
  select(known.slice(0, Math.ceil((known.length * share) / 100)));
}

function chooser(label, value, options) {
  const select = make(
    "select",
    {},
    ...options.map(([key, name]) => make("option", {value: key, selected: `${key}` === `${value}`}, name))
  );
  return [make("label", {className: "control"}, make("span", {}, label), select), select];
}

function scatterParts(parts) {
  const names = run.predictors.map((each, at) => [at, each.name]);
  const [across, acrossSelect] = chooser("Across", state.across, names),
    [up, upSelect] = chooser("Up", state.up, [["truth", "true rank"], ...names]);
  acrossSelect.addEventListener("change", () => change({across: Number(acrossSelect.value)}));
  upSelect.addEventListener("change", () =>
    change({up: upSelect.value === "truth" ? "truth" : Number(upSelect.value)})
  );
  parts.acrossSelect = acrossSelect;
  const share = make("input", {
    type: "number",
    min: 1,
    max: 100,
    value: 20,
    "aria-label": "percent of the architectures to select"
  });
  const tools = [
    ["by truth", true],
    ["by the predictor across", false]
  ].map(([name, byTruth]) => {
    const button = make("button", {type: "button"}, name);
    button.addEventListener("click", () => selectTop(Math.min(Math.max(Number(share.value) || 20, 1), 100), byTruth));
    return button;
  });
  const clear = make("button", {type: "button"}, "clear"),
    save = make("button", {type: "button"}, "SVG");
  clear.addEventListener("click", () => select([]));
  save.setAttribute("aria-label", "Download the plot as SVG");
  save.addEventListener("click", () => download("scatter.svg", svgText(parts.scatter), "image/svg+xml"));
  parts.scatter = draw("svg", {
    viewBox: `0 0 ${SIDE} ${SIDE}`,
    class: "scatter",
    tabindex: 0,
    role: "application",
    "aria-label":
      "Architectures by two ranks. Arrow keys move from one to the next, Enter opens its page, Escape clears the selection."
  });
  parts.plotted = make("p", {className: "note"});
  parts.point = make("div", {className: "point", "aria-live": "polite"});
  parts.selection = make("output", {className: "shown"});
  parts.compared = make("p", {});
  parts.about = make("p", {className: "note"});
  parts.disagreement = make(
    "div",
    {className: "box", tabIndex: 0, role: "region", "aria-label": "Where the ranks differ most"},
    make("table", {}, make("thead", {}, make("tr")), make("tbody"))
  );
  listenToScatter(parts);
  return make(
    "div",
    {className: "plot"},
    make("div", {className: "controls"}, across, up),
    make(
      "div",
      {className: "controls"},
      make("span", {className: "control"}, "Select the top", share, "%"),
      ...tools,
      clear,
      parts.selection,
      save
    ),
    make("div", {className: "beside"}, parts.scatter, parts.point),
    parts.plotted,
    parts.about,
    parts.compared,
    parts.disagreement
  );
}
