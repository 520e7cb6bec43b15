for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th"), table = head.closest("table"), body = table.tBodies[0];
    const numeric = head.dataset.kind === "number";
    const order = head.getAttribute("aria-sort");
    const down = order ? order === "ascending" : numeric;
    const key = row => row.cells[head.cellIndex].dataset.key;
    const compare = (a, b) => {
      if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");
      const way = numeric ? key(a) - key(b) : key(a).localeCompare(key(b));
      return down ? -way : way;
    };
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...[...body.rows].sort(compare));
  });
}
