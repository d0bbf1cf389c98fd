/* Copyright: Contributors to the ontap.security collection
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const table = $("rows");
  // Each finding is a table body of one or two rows.
  const all = Array.from(table.tBodies, (row, order) => ({
    row, order, kind: row.dataset.k, severity: row.dataset.s, text: row.textContent.toLowerCase(),
  }));
  // More at once makes a browser slow. Print shows all that matches.
  const most = 400;
  const state = { text: "", severity: "", kind: "open", limit: most };
  let order = all;
  if (!all.some((one) => one.kind === "open")) state.kind = $("kind").value = "";
  const number = (value) => value.toLocaleString("en");
  const apply = () => {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const one of order) {
      const match = (!state.kind || one.kind === state.kind) && (!state.severity || one.severity === state.severity)
        && words.every((word) => one.text.includes(word));
      if (match) count += 1;
      const hide = !match || count > state.limit;
      if (one.row.hidden !== hide) one.row.hidden = hide;
    }
    $("shown").textContent = `${number(count)} of ${number(all.length)} match`;
    $("none").hidden = count > 0;
    $("more").hidden = count <= state.limit;
    $("more").textContent = `Show all ${number(count)}, not only the first ${number(most)}`;
  };
  const limit = (value) => { state.limit = value; apply(); };
  $("more").addEventListener("click", () => limit(Infinity));
  window.addEventListener("beforeprint", () => limit(Infinity));
  window.addEventListener("afterprint", () => limit(most));
  for (const name of ["text", "severity", "kind"]) {
    $(name).addEventListener("input", () => { state[name] = $(name).value; limit(most); });
  }
  const ranks = { critical: 0, high: 1, medium: 2, low: 3, "": 4 };
  const keys = new Map();
  const key = (one, column) => {
    if (column === 0) return ranks[one.severity];
    const text = (any) => any.row.rows[0].cells[column].textContent.trim().toLowerCase();
    if (!keys.has(column)) keys.set(column, all.map(text));
    return keys.get(column)[one.order];
  };
  const compare = new Intl.Collator("en", { numeric: true }).compare;
  document.querySelectorAll("#rows thead button").forEach((button) => {
    const head = button.parentElement;
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      document.querySelectorAll("#rows thead th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const column = head.cellIndex;
      order = [...all].sort((a, b) => {
        const one = key(a, column), other = key(b, column);
        const way = column === 0 ? one - other : one === "" || other === "" ? 0 : compare(one, other);
        // What is empty comes last, whatever the direction.
        if (column !== 0 && (one === "") !== (other === "")) return one === "" ? 1 : -1;
        return (down ? -way : way) || a.order - b.order;
      });
      const fragment = document.createDocumentFragment();
      for (const one of order) fragment.append(one.row);
      apply();
      table.append(fragment);
    });
  });
  document.querySelectorAll(".fleet rect").forEach((square) => {
    square.addEventListener("click", () => {
      $("text").value = state.text = square.dataset.h;
      $("kind").value = state.kind = "";
      limit(most);
      $("rows").scrollIntoView();
    });
  });
  apply();
  table.classList.add("ready");
})();
