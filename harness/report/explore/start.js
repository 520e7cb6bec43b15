/* The explorer is put together when its data are unpacked. */

const parts = {};

const byName = () => new Map(run.predictors.map(each => [each.name, run.families[each.family]]));

/** Set what the reader chose, and draw what depends on it. */
function change(chosen) {
  Object.assign(state, chosen);
  renderRanking(parts);
  renderScatter(parts);
  if ("budget" in chosen) renderArchitectures(parts);
  parts.acrossSelect.value = `${state.across}`;
}

async function start() {
  run = await unpack(document.getElementById("embedded").textContent);
  Object.assign(state, {budget: run.budgets.length - 1, families: new Set(run.families.keys())});
  parts.title = document.title;
  parts.said = make("p", {className: "said", role: "status"});
  parts.ranking = rankingBox();
  parts.architectures = architecturesBox(parts);
  parts.article = make("main", {id: "architecture", hidden: true});
  document.querySelector("main").after(parts.article);
  const plot = scatterParts(parts);
  document
    .getElementById("explorer")
    .replaceChildren(
      controls(),
      parts.said,
      make(
        "div",
        {className: "panes"},
        make("div", {className: "pane"}, make("h3", {}, "Predictors"), parts.ranking),
        make("div", {className: "pane"}, make("h3", {}, "Architectures by rank"), plot)
      ),
      make("h3", {}, "Every architecture"),
      parts.architectures,
      parts.moreRows,
      make(
        "p",
        {className: "note"},
        "Places off: how many places the predictors put it away from its true rank at the chosen budget, the median over predictors; in brackets those of the predictor that misjudges it most and least, negative where it ranks it too low."
      )
    );
  const families = byName();
  for (const box of document.querySelectorAll(".box")) equip(box, families);
  change({budget: state.budget});
  route(parts);
  addEventListener("hashchange", () => route(parts));
  document.documentElement.dataset.ready = "yes";
}

start();
