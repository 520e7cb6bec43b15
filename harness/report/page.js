"use strict";

/** A new element with properties, data and children; texts become text, never markup. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

/** Offer a text as a file; the browser makes it from memory and asks nobody. */
function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], {type}));
  const link = make("a", {href: address, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/* Tables: sort, find, choose columns, download. */

function sortRows(table, head, down) {
  const numeric = head.dataset.kind === "number",
    at = head.cellIndex;
  const key = row => row.cells[at].dataset.key ?? row.cells[at].textContent.trim();
  const compare = (a, b) => {
    if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
    const way = numeric ? key(a) - key(b) : key(a).localeCompare(key(b));
    return down ? -way : way;
  };
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
}

/** Sort again as the table is sorted, after its rows were made anew. */
function sortAgain(table) {
  const head = table.querySelector("th[aria-sort]");
  if (head) sortRows(table, head, head.getAttribute("aria-sort") === "descending");
}

document.addEventListener("click", event => {
  const head = event.target.closest?.("th button")?.closest("th");
  if (!head) return;
  const order = head.getAttribute("aria-sort");
  const down = order ? order === "ascending" : head.dataset.kind === "number";
  const table = head.closest("table");
  if (table.sortWhole) table.sortWhole(head, down);
  else sortRows(table, head, down);
});

const MINUS = "\u2212";

/** Texts that a spreadsheet would compute get an apostrophe; numbers are written for machines. */
function field(text) {
  const plain = text.replaceAll(MINUS, "-").replaceAll("\u00a0", " ").trim();
  const number = /^[-+]?[\d,]*\.?\d+(e-?\d+)?$/.test(plain);
  const safe = number ? plain.replaceAll(",", "").replace(/^\+/, "") : /^[=+\-@\t]/.test(plain) ? `'${plain}` : plain;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const ESTIMATE = /^(\S+) \[(\S+), (\S+)\]$/;

/** The rows and columns that are shown as CSV; a value with its interval becomes three columns. */
function csv(table) {
  const heads = [...table.tHead.rows[0].cells].filter(head => !head.hidden);
  const rows = [...table.tBodies[0].rows].filter(row => !row.hidden);
  const text = (row, head) =>
    (row.cells[head.cellIndex].dataset.text ?? row.cells[head.cellIndex].textContent).replace(/\s+/g, " ").trim();
  const threefold = new Set(heads.filter(head => rows.some(row => ESTIMATE.test(text(row, head)))));
  const name = head => head.textContent.replace(/\s+/g, " ").trim();
  const columns = head =>
    threefold.has(head) ? [name(head), `${name(head)} low`, `${name(head)} high`] : [name(head)];
  const cells = (row, head) => {
    const found = text(row, head);
    return threefold.has(head) ? (found.match(ESTIMATE)?.slice(1) ?? [found, "", ""]) : [found];
  };
  const lines = [heads.flatMap(columns), ...rows.map(row => heads.flatMap(head => cells(row, head)))];
  return lines.map(line => line.map(field).join(",")).join("\n") + "\n";
}

/** Show the rows that hold the text and, in tables of predictors, are of the family. */
function filterRows(table) {
  const {text = "", family = "", familyOf} = table.wanted ?? {};
  for (const row of table.tBodies[0].rows) {
    const found = !text || row.textContent.toLowerCase().includes(text.toLowerCase());
    row.hidden = !(found && (!family || familyOf(row) === family));
  }
  table.counted?.();
}

function showColumn(table, at, shown) {
  for (const row of table.rows) if (row.cells[at]) row.cells[at].hidden = !shown;
}

/** Hide again what the reader has hidden, after rows were made anew. */
function refresh(table) {
  sortAgain(table);
  for (const head of table.tHead.rows[0].cells) if (head.hidden) showColumn(table, head.cellIndex, false);
  filterRows(table);
}

const FEW_ROWS = 8,
  FEW_COLUMNS = 4;

function columnChooser(table) {
  const boxes = [...table.tHead.rows[0].cells].slice(1).map(head => {
    const box = make("input", {type: "checkbox", checked: !head.hidden});
    box.addEventListener("change", () => {
      showColumn(table, head.cellIndex, box.checked);
      table.hint?.();
    });
    return make("label", {}, box, ` ${head.textContent.trim()}`);
  });
  return make("details", {className: "columns"}, make("summary", {}, "Columns"), make("div", {}, ...boxes));
}

/** A line of tools above a table: find, family, columns, CSV, and how many rows are shown. */
function equip(box, families = null) {
  const table = box.querySelector("table"),
    name = box.getAttribute("aria-label"),
    tools = make("div", {className: "tools"});
  table.wanted = {familyOf: row => families?.get(row.cells[0].textContent.trim())?.label ?? ""};
  if (table.tBodies[0].rows.length > FEW_ROWS || table.sortWhole) {
    const find = make("input", {type: "search", "aria-label": `Find in: ${name}`, placeholder: "find"});
    find.addEventListener("input", () => {
      table.wanted.text = find.value.trim();
      table.findWhole ? table.findWhole(table.wanted.text) : filterRows(table);
    });
    tools.append(find);
    const present = new Set([...table.tBodies[0].rows].map(table.wanted.familyOf).filter(Boolean));
    if (present.size > 1) {
      const select = make(
        "select",
        {"aria-label": `Family in: ${name}`},
        make("option", {value: ""}, "every family"),
        ...[...present].map(label => make("option", {value: label}, label))
      );
      select.addEventListener("change", () => {
        table.wanted.family = select.value;
        filterRows(table);
      });
      tools.append(select);
    }
  }
  if (table.tHead.rows[0].cells.length > FEW_COLUMNS) tools.append(columnChooser(table));
  const button = make(
    "button",
    {type: "button", className: "csv", "aria-label": `Download the visible rows as CSV: ${name}`},
    "CSV"
  );
  button.addEventListener("click", () => download(`${fileName(name)}.csv`, csv(table), "text/csv"));
  const shown = make("output", {className: "shown"}),
    hint = make("span", {className: "hint"});
  table.counted ??= () => {
    const rows = [...table.tBodies[0].rows],
      visible = rows.filter(row => !row.hidden).length;
    shown.textContent = visible < rows.length ? `${visible} of ${rows.length} rows` : "";
  };
  table.shownRows = shown;
  tools.append(button, shown, hint);
  box.before(tools);
  table.hint = () => {
    hint.textContent = box.scrollWidth > box.clientWidth + 1 ? "scroll sideways for more columns →" : "";
    box.classList.toggle("cut", hint.textContent !== "");
  };
  new ResizeObserver(table.hint).observe(box);
}

function fileName(text) {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "_")
      .replace(/^_|_$/g, "") || "table"
  );
}

/* Figures: a hint where one is cut, and the drawing itself as a file. */
for (const card of document.querySelectorAll("figure > .card")) {
  const hint = make("p", {className: "hint"}, "scroll sideways for the rest of the figure →");
  const look = () => {
    hint.hidden = card.scrollWidth <= card.clientWidth + 1;
    card.classList.toggle("cut", !hint.hidden);
  };
  card.after(hint);
  new ResizeObserver(look).observe(card);
}

for (const button of document.querySelectorAll("button.svg")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const image = button.closest("figure").querySelector("img");
    const text = decodeURIComponent(image.src.slice(image.src.indexOf(",") + 1));
    download(`${button.closest("figure").id}.svg`, text, "image/svg+xml");
  });
}

/* Paper: what is folded is opened, and closed again afterwards. */
const folded = [];
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("main details:not([open]):not(.columns)")) {
    if (part.querySelector("pre")) continue;
    part.open = true;
    folded.push(part);
  }
});
addEventListener("afterprint", () => {
  for (const part of folded.splice(0)) part.open = false;
});

if (!document.getElementById("embedded")) for (const box of document.querySelectorAll(".box")) equip(box);
