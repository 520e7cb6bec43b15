/* Every architecture: a table of them all, and the page of each. */

const ROWS = 50;

/** The architectures in the order and with the words that the reader wants; only some rows are in the document. */
const listed = {order: [], shown: ROWS, key: "truth", down: true, text: ""};

function columnsOfArchitectures() {
  const seeds = Object.keys(run.architectures.seeds),
    each = seeds.length > 1 && seeds.length <= 8 ? seeds : [];
  return [
    {key: "name", name: "architecture", word: true, value: arch => titleOf(arch)},
    {key: "truth", name: "accuracy (%)", value: arch => run.architectures.truth[arch], digits: 2},
    ...each.map(seed => ({
      key: `seed ${seed}`,
      name: `seed ${seed}`,
      value: arch => run.architectures.seeds[seed][arch],
      digits: 2
    })),
    {key: "rank", name: "true rank", value: arch => run.architectures.rank[arch]},
    {key: "off", name: "places off (median)", value: arch => judged(arch).median, digits: 1},
    {key: "most", name: "most misjudged by", word: true, value: arch => named(arch, "most")},
    {key: "least", name: "least misjudged by", word: true, value: arch => named(arch, "least")},
    ...(run.architectures.note.some(Boolean)
      ? [{key: "note", name: "note", word: true, value: arch => run.architectures.note[arch]}]
      : [])
  ];
}

const judgements = {budget: -1, known: new Map()};

function judged(arch) {
  if (judgements.budget !== state.budget) [judgements.budget, judgements.known] = [state.budget, new Map()];
  if (!judgements.known.has(arch)) judgements.known.set(arch, misjudged(arch));
  return judgements.known.get(arch);
}

function named(arch, which) {
  const found = judged(arch),
    predictor = found[which];
  return predictor === null
    ? ""
    : `${run.predictors[predictor].name} (${number(found.off[predictor], Number.isInteger(found.off[predictor]) ? 0 : 1, true)})`;
}

function renderArchitectures(parts) {
  const table = parts.architectures.querySelector("table"),
    columns = table.columns;
  const column = columns.find(each => each.key === listed.key),
    text = listed.text.toLowerCase();
  const words = arch => `${run.architectures.names[arch]} ${titleOf(arch)}`.toLowerCase();
  const found = [...run.architectures.names.keys()].filter(arch => !text || words(arch).includes(text));
  const values = new Map(found.map(arch => [arch, column.value(arch)]));
  found.sort((a, b) => {
    const [x, y] = [values.get(a), values.get(b)];
    if (x === null || y === null || x === "" || y === "") return (x === null || x === "") - (y === null || y === "");
    const way = column.word ? x.localeCompare(y, "en", {numeric: true}) : x - y;
    return listed.down ? -way : way;
  });
  listed.order = found;
  table.tBodies[0].replaceChildren(
    ...found.slice(0, listed.shown).map(arch =>
      make(
        "tr",
        {},
        ...columns.map(each => {
          const value = each.value(arch);
          if (each.key === "name")
            return cell(
              make(
                "a",
                {href: addressOf(arch), title: run.architectures.names[arch]},
                drawCell(arch) ?? "",
                ` ${value}`
              ),
              value,
              true
            );
          return each.word
            ? cell(value, null, true)
            : cell(each.digits ? number(value, each.digits) : short(value), value);
        })
      )
    )
  );
  for (const head of table.tHead.rows[0].cells) if (head.hidden) showColumn(table, head.cellIndex, false);
  const rest = found.length - listed.shown;
  parts.moreRows.hidden = rest <= 0;
  parts.moreRows.textContent = `Show ${Math.min(rest, ROWS)} more of ${found.length.toLocaleString("en")}`;
  table.shownRows.textContent = `${Math.min(listed.shown, found.length)} of ${run.of.toLocaleString("en")} architectures`;
}

function architecturesBox(parts) {
  const columns = columnsOfArchitectures();
  const head = headed(
    columns.map(each => [each.name, each.word ? "word" : "number"]),
    "accuracy (%)"
  );
  const table = make("table", {}, head, make("tbody"));
  table.columns = columns;
  table.sortWhole = (clicked, down) => {
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    clicked.setAttribute("aria-sort", down ? "descending" : "ascending");
    Object.assign(listed, {key: columns[clicked.cellIndex].key, down, shown: ROWS});
    renderArchitectures(parts);
  };
  table.findWhole = text => {
    Object.assign(listed, {text, shown: ROWS});
    renderArchitectures(parts);
  };
  table.counted = () => {};
  parts.moreRows = make("button", {type: "button"});
  parts.moreRows.addEventListener("click", () => {
    listed.shown += ROWS;
    renderArchitectures(parts);
  });
  return make("div", {className: "box tall", tabIndex: 0, role: "region", "aria-label": "Every architecture"}, table);
}

/** The page of one architecture, made of what the file carries. */
function architecturePage(arch) {
  const facts = run.architectures,
    off = judged(arch),
    seeds = Object.entries(facts.seeds).filter(([, values]) => values[arch] !== null);
  const rank = facts.rank[arch];
  const place =
    rank === null
      ? "It has no true accuracy."
      : `By true accuracy it is at place ${rank} of ${run.known}: ${number(facts.truth[arch])} %, the mean of ${seeds.length} seed${seeds.length === 1 ? "" : "s"}.`;
  const scored = off.off.filter(value => value !== null),
    right = scored.filter(value => Math.abs(value) <= run.known / 10).length;
  const verdict = scored.length
    ? ` ${capital(run.budgets[state.budget].moment)}, ${right} of ${scored.length} predictors rank it within a tenth of the architectures; the median is ${number(off.median, 1)} places off. Most misjudged by ${named(arch, "most")}, least by ${named(arch, "least")}.`
    : " No predictor ranks it.";
  const list = make("dl", {});
  const say = (name, value) => list.append(make("dt", {}, name), make("dd", {}, value));
  say("architecture", make("code", {}, facts.names[arch]));
  if (facts.twins[arch])
    say("isomorphism class", `${facts.twins[arch]} other${facts.twins[arch] > 1 ? "s" : ""} of this run`);
  if (facts.dead[arch]) say("dead", "no path from input to output carries a signal");
  if (facts.note[arch]) say("note", facts.note[arch]);
  for (const [name, values] of Object.entries(facts.facts))
    if (values[arch] !== null) say(name.replaceAll("_", " "), values[arch].toLocaleString("en"));
  for (const [seed, values] of seeds) say(`accuracy, seed ${seed}`, `${number(values[arch])} %`);
  const drawn = drawCell(arch, true),
    curves = Object.keys(run.curves.values)
      .map(column => drawCurve(arch, column))
      .filter(Boolean);
  const columns = [
    ["predictor", "word"],
    ["places too high", "number"],
    ["rank", "number"],
    ["score", "number"],
    ["family", "word"]
  ];
  const rows = [...run.predictors.keys()]
    .sort((a, b) => Math.abs(off.off[b] ?? -1) - Math.abs(off.off[a] ?? -1) || a - b)
    .map(predictor => {
      const places = off.off[predictor],
        own = rankOf(predictor, arch),
        score = run.scores[predictor][state.budget][arch];
      return make(
        "tr",
        {},
        cell(make("span", {}, dot(predictor), run.predictors[predictor].name), run.predictors[predictor].name, true),
        cell(number(places, Number.isInteger(places) ? 0 : 1, true), places === null ? null : Math.abs(places)),
        cell(own === null ? "–" : `${own} of ${run.predictors[predictor].n[state.budget]}`, own),
        cell(short(score), score),
        cell(run.families[run.predictors[predictor].family].label, null, true)
      );
    });
  const box = make(
    "div",
    {className: "box tall", tabIndex: 0, role: "region", "aria-label": "Ranks by every predictor"},
    make("table", {}, headed(columns, "places too high"), make("tbody", {}, ...rows))
  );
  const heading = make("h2", {tabIndex: -1}, `Architecture ${titleOf(arch)}`);
  const step = (way, name) =>
    run.architectures.names[arch + way] === undefined ? null : make("a", {href: addressOf(arch + way)}, name);
  const page = make(
    "div",
    {},
    make(
      "p",
      {className: "under"},
      make("a", {href: "#explore"}, "← all architectures"),
      step(-1, "next better"),
      step(1, "next worse")
    ),
    heading,
    make("p", {}, place + verdict),
    drawn
      ? make("div", {className: "card", tabIndex: 0, role: "region", "aria-label": "Drawing of the cell"}, drawn)
      : null,
    make("h3", {}, "What it is"),
    list,
    ...(curves.length
      ? [
          make("h3", {}, "How it trains"),
          make("div", {className: "curves"}, ...curves),
          make(
            "p",
            {className: "note"},
            "In front of the median and the middle half of the other architectures of this page."
          )
        ]
      : []),
    make("h3", {}, `Where predictors rank it ${run.budgets[state.budget].moment}`),
    box,
    make(
      "p",
      {className: "note"},
      "1 is the best. Places too high: true less predicted rank, negative where it is ranked too low; a rank among fewer architectures is brought to all of them. The budget is that of the slider."
    )
  );
  equip(box, byName());
  return {page, heading};
}

/** Show the page of the architecture that the address names, or else the report. */
function route(parts) {
  const found = location.hash.match(/^#architecture=(.*)$/),
    main = document.querySelector("main");
  const wanted = found ? decodeURIComponent(found[1]) : null;
  const arch =
    wanted === null ? -1 : run.architectures.names.findIndex((name, at) => titleOf(at) === wanted || name === wanted);
  parts.article.hidden = arch < 0;
  main.hidden = arch >= 0;
  document.querySelector("nav").hidden = arch >= 0;
  document.title = arch < 0 ? parts.title : `${titleOf(arch)} · ${parts.title}`;
  if (arch < 0) {
    if (found || parts.article.firstChild) document.getElementById(location.hash.slice(1))?.scrollIntoView();
    parts.article.replaceChildren();
    return;
  }
  const {page, heading} = architecturePage(arch);
  parts.article.replaceChildren(page);
  scrollTo(0, 0);
  heading.focus({preventScroll: true});
}
