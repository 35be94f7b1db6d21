(function () {
  "use strict";
  function keyOf(cell) {
    var key = cell.hasAttribute("data-s") ? cell.getAttribute("data-s") : cell.textContent;
    var value = parseFloat(key.replace(/[,%+]/g, "").replace("\u2212", "-"));
    return isNaN(value) || /[^\d.,%+\-\u2212eE]/.test(key) ? { text: key, empty: key === "\u2014" } : { value: value };
  }

  function sortBy(heading) {
    var table = heading.closest("table");
    var at = Array.prototype.indexOf.call(heading.parentNode.children, heading);
    var down = heading.getAttribute("aria-sort") === "ascending";
    Array.prototype.forEach.call(heading.parentNode.children, function (other) { other.removeAttribute("aria-sort"); });
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    var rows = Array.prototype.slice.call(table.tBodies[0].rows).map(function (row, place) {
      return { row: row, place: place, key: keyOf(row.cells[at]) };
    });
    rows.sort(function (one, other) {
      var a = one.key, b = other.key;
      if (!!a.empty !== !!b.empty) { return a.empty ? 1 : -1; }
      var order = a.value !== undefined && b.value !== undefined ? a.value - b.value
        : String(a.text || a.value).localeCompare(String(b.text || b.value));
      return (down ? -order : order) || one.place - other.place;
    });
    rows.forEach(function (one) { table.tBodies[0].appendChild(one.row); });
  }
  document.querySelectorAll("table.sortable th").forEach(function (heading) {
    heading.tabIndex = 0;
    heading.addEventListener("click", function () { sortBy(heading); });
    heading.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sortBy(heading); }
    });
  });
})();
