/* The ranking of predictors at the chosen budget, with what chooses: budget, families, name. */

const RANKING = [
  ["predictor", "word"],
  ["τ", "number"],
  ["τ, top 20 %", "number"],
  ["τ, selection", "number"],
  ["regret@1", "number"],
  ["seconds", "number"],
  ["fitted on", "number"],
  ["n", "number"],
  ["family", "word"],
  ["place", "number"]
];

function headed(columns, sorted) {
  return make(
    "thead",
    {},
    make(
      "tr",
      {},
      ...columns.map(([name, kind]) => {
        const head = make(
          "th",
          {scope: "col", className: kind === "word" ? "word" : "", data: {kind}},
          make("button", {type: "button"}, name)
        );
        if (name === sorted) head.setAttribute("aria-sort", "descending");
        return head;
      })
    )
  );
}

function cell(content, key = null, word = false) {
  const made = make("td", {className: word ? "word" : ""}, content);
  if (key !== null || !word) made.dataset.key = key ?? "";
  return made;
}

function wanted(predictor) {
  const each = run.predictors[predictor];
  return state.families.has(each.family) && each.name.toLowerCase().includes(state.text.toLowerCase());
}

function estimate(value, low, high) {
  const held = make("span", {}, number(value));
  if (low !== null && high !== null && value !== null)
    held.append(" ", make("small", {}, `[${number(low)}, ${number(high)}]`));
  return held;
}

function bar(predictor, value) {
  const track = make("span", {className: "bar", "aria-hidden": "true"});
  if (value !== null)
    track.append(
      make("i", {
        style: {...colourOf(run.families[run.predictors[predictor].family]), width: `${Math.abs(value) * 100}%`},
        className: value < 0 ? "below" : ""
      })
    );
  return track;
}

function rankingRow(predictor, place, chosen) {
  const each = run.predictors[predictor],
    at = state.budget;
  const show = make(
    "button",
    {
      type: "button",
      className: "pick",
      "aria-pressed": `${state.across === predictor}`,
      title: "show in the scatter plot"
    },
    dot(predictor),
    each.name
  );
  show.addEventListener("click", () => change({across: predictor}));
  const within = chosen ? tauWithin(predictor, chosen) : null;
  const row = make(
    "tr",
    {data: {predictor: each.name}},
    cell(show, each.name, true),
    cell(estimate(each.tau[at], each.low[at], each.high[at]), each.tau[at]),
    cell(number(each.fifth[at]), each.fifth[at]),
    cell(number(within), within),
    cell(number(each.regret[at]), each.regret[at]),
    cell(seconds(each.seconds[at]), each.seconds[at]),
    cell(each.fitted[at] ? `${Math.round(each.fitted[at] * 10) / 10}` : "–", each.fitted[at] || null),
    cell(`${each.n[at] ?? 0}`, each.n[at]),
    cell(run.families[each.family].label, null, true),
    cell(place === null ? "–" : `${place}`, place)
  );
  row.cells[1].prepend(bar(predictor, each.tau[at]));
  return row;
}

/**
 * Places among all predictors with a τ at the budget, whatever is filtered; those with scores for less than half as many
 * architectures as the one with the most come after the others, as in the ranking of the page (`scores_most`).
 */
function placesAt(budget) {
  const most = Math.max(...run.predictors.map(each => each.n[budget]));
  const few = at => Number(run.predictors[at].n[budget] < most / 2);
  const order = [...run.predictors.keys()]
    .filter(at => run.predictors[at].tau[budget] !== null)
    .sort((a, b) => few(a) - few(b) || run.predictors[b].tau[budget] - run.predictors[a].tau[budget]);
  return new Map(order.map((predictor, place) => [predictor, place + 1]));
}

function renderRanking(parts) {
  const table = parts.ranking.querySelector("table"),
    places = placesAt(state.budget);
  const chosen = state.selected.size ? [...state.selected] : null;
  const focused = document.activeElement?.closest?.("tr[data-predictor]")?.dataset.predictor;
  const order = [...run.predictors.keys()].sort((a, b) => (places.get(a) ?? 1e9) - (places.get(b) ?? 1e9) || a - b);
  table.tBodies[0].replaceChildren(...order.filter(wanted).map(at => rankingRow(at, places.get(at) ?? null, chosen)));
  const head = [...table.tHead.rows[0].cells].find(each => each.textContent === "τ, selection");
  head.hidden = chosen === null;
  refresh(table);
  if (focused) table.querySelector(`tr[data-predictor="${CSS.escape(focused)}"] .pick`)?.focus();
  const leader = order[0],
    tau = run.predictors[leader].tau[state.budget];
  parts.said.textContent =
    tau === null
      ? `No predictor has a τ ${run.budgets[state.budget].moment}.`
      : `${capital(run.budgets[state.budget].moment)}: ${run.predictors[leader].name} ranks best, τ ${number(tau)}. ${order.filter(wanted).length} of ${order.length} predictors shown.`;
}

function controls() {
  const range = make("input", {type: "range", min: 0, max: run.budgets.length - 1, value: state.budget, id: "budget"});
  const shown = make("output", {for: "budget", className: "moment"}, run.budgets[state.budget].moment);
  range.setAttribute("aria-valuetext", shown.textContent);
  range.addEventListener("input", () => {
    change({budget: Number(range.value)});
    shown.textContent = run.budgets[state.budget].moment;
    range.setAttribute("aria-valuetext", shown.textContent);
  });
  const find = make("input", {type: "search", id: "find-predictor", placeholder: "part of a name"});
  find.addEventListener("input", () => change({text: find.value.trim()}));
  const boxes = run.families.map((each, at) => {
    const box = make("input", {type: "checkbox", checked: true, value: each.name});
    box.addEventListener("change", () => {
      box.checked ? state.families.add(at) : state.families.delete(at);
      change({});
    });
    return make("label", {className: "chip"}, box, make("i", {className: "dot", style: colourOf(each)}), each.label);
  });
  const all = checked => () => {
    boxes.forEach((label, at) => {
      label.firstChild.checked = checked;
      checked ? state.families.add(at) : state.families.delete(at);
    });
    change({});
  };
  const every = make("button", {type: "button"}, "all"),
    none = make("button", {type: "button"}, "none");
  every.addEventListener("click", all(true));
  none.addEventListener("click", all(false));
  return make(
    "div",
    {className: "controls"},
    make(
      "div",
      {className: "control", hidden: run.budgets.length < 2},
      make("label", {for: "budget"}, "Budget"),
      range,
      shown
    ),
    make("div", {className: "control"}, make("label", {for: "find-predictor"}, "Predictor"), find),
    make("fieldset", {className: "families"}, make("legend", {}, "Families"), ...boxes, every, none)
  );
}

function rankingBox() {
  const box = make(
    "div",
    {className: "box tall", tabIndex: 0, role: "region", "aria-label": "Ranking at the chosen budget"},
    make("table", {}, headed(RANKING, null), make("tbody"))
  );
  box.querySelector("th:last-child").setAttribute("aria-sort", "ascending");
  return box;
}
