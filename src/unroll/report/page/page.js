"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.tabIndex = 0;
    const sort = () => {
      const text = head.dataset.kind === "text";
      const rising = head.hasAttribute("aria-sort") ? head.getAttribute("aria-sort") !== "ascending" : true;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const value = (row) => {
        const cell = row.cells[column], raw = cell.dataset.value ?? cell.textContent;
        return text ? raw : raw === "inf" ? Infinity : parseFloat(raw);
      };
      const order = (a, b) => (text ? value(a).localeCompare(value(b)) : value(a) === value(b) ? 0 : value(a) - value(b));
      const rows = [...table.tBodies[0].rows].sort((a, b) => (rising ? order(a, b) : order(b, a)));
      table.tBodies[0].append(...rows);
    };
    head.addEventListener("click", sort);
    head.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
  });
}
const filters = [...document.querySelectorAll("[data-filter]")];
for (const button of filters) {
  button.addEventListener("click", () => {
    filters.forEach((other) => other.setAttribute("aria-pressed", other === button));
    for (const row of document.querySelectorAll("#board tbody tr"))
      row.hidden = row.dataset[button.dataset.by] !== button.dataset.filter;
  });
}
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
