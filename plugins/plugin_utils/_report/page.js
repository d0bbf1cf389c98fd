/* Copyright: Contributors to the ontap.security collection
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const all = (selector, below = document) => Array.from(below.querySelectorAll(selector));
  const list = $("groups");
  const kinds = all(":scope > .kind", list);
  // What is searched, in lower case; made when somebody searches.
  const lazily = (make) => { let made; return () => (made ??= make().toLowerCase()); };
  const groups = kinds.flatMap((kind) => all("article", kind).map((row) => ({
    row, kind, host: row.dataset.h, severity: row.dataset.s, groups: row.dataset.g.split("|"), fresh: "n" in row.dataset,
    text: lazily(() => `${kind.querySelector("b").textContent} ${row.textContent}`),
  })));
  const lines = all("[data-t]").map((row) => ({ row, text: lazily(() => row.textContent) }));
  const names = ["q", "view", "severity", "group", "new"].filter($);
  const value = (name) => ($(name) ? $(name).value : "");
  const number = (count) => count.toLocaleString("en");

  // By cluster, the same groups are below a line for each cluster.
  let clusters;
  const byCluster = () => {
    const found = new Map();
    for (const one of groups) {
      if (!found.has(one.host)) found.set(one.host, []);
      found.get(one.host).push(one);
    }
    return [...found].map(([host, ones]) => {
      const box = document.createElement("details");
      const line = document.createElement("summary");
      const what = document.createElement("span");
      const name = document.createElement("b");
      const few = document.createElement("small");
      box.className = "kind";
      what.className = "what";
      name.textContent = host;
      few.textContent = [...new Set(ones.map((one) => one.kind.querySelector(".what b").textContent))].join("; ");
      what.append(name, few);
      line.append(ones[0].row.querySelector(".badge").cloneNode(true), what);
      box.append(line);
      return { box, ones };
    });
  };
  let view;
  const show = (wanted) => {
    const how = wanted === "cluster" ? "cluster" : "";
    if (view === how) return;
    view = how;
    list.classList.toggle("by-cluster", how === "cluster");
    if (how === "cluster") {
      clusters ??= byCluster();
      for (const { box, ones } of clusters) box.append(...ones.map((one) => one.row));
      list.replaceChildren(...clusters.map(({ box }) => box));
    } else {
      for (const one of groups) one.kind.append(one.row);
      list.replaceChildren(...kinds);
    }
  };

  const apply = () => {
    const words = value("q").toLowerCase().split(/\s+/).filter(Boolean);
    const used = ["key_id", "name", "client_id"].includes(value("view")) ? value("view") : "";
    const has = (text) => words.every((word) => text.includes(word));
    show(value("view"));
    let count = 0;
    for (const one of groups) {
      const match = (!value("severity") || one.severity === value("severity"))
        && (!value("group") || one.groups.includes(value("group")))
        && (!value("new") || one.fresh) && (!words.length || has(one.text()));
      if (match) count += 1;
      one.row.hidden = !match;
    }
    const narrow = names.some((name) => name !== "view" && value(name));
    for (const box of list.children) {
      const left = all("article:not([hidden])", box).length;
      box.hidden = left === 0;
      // What somebody has looked for is shown, if it is not too much.
      if (narrow && left && count <= 12) box.open = true;
    }
    for (const one of lines) one.row.hidden = words.length > 0 && !has(one.text());
    list.hidden = Boolean(used);
    for (const box of all("[data-u]")) box.hidden = Boolean(used) && box.dataset.u !== used;
    $("shown").textContent = used ? "" : `${number(count)} of ${number(groups.length)} match`;
    $("none").hidden = Boolean(used) || count > 0 || groups.length === 0;
    return used;
  };

  // Filters are in the address: whoever gets it sees the same. Other addresses lead to a place in the page.
  let written = "";
  const write = () => {
    const chosen = new URLSearchParams(names.filter(value).map((name) => [name, value(name)]));
    written = `#${chosen}`;
    if (location.hash !== written && (location.hash || written !== "#")) location.replace(written === "#" ? "#all=" : written);
  };
  const read = () => {
    if (!location.hash.includes("=") || location.hash === written) return;
    const chosen = new URLSearchParams(location.hash.slice(1));
    for (const name of names) {
      const wanted = chosen.get(name) || "";
      $(name).value = wanted;
      // What is no choice any more is none.
      if ($(name).value !== wanted) $(name).value = "";
    }
    apply();
  };
  let waiting;
  const changed = (event) => {
    const used = apply();
    if (event && event.target.id === "view" && used) $("uses").scrollIntoView();
    clearTimeout(waiting);
    waiting = setTimeout(write, event && event.target.id === "q" ? 400 : 0);
  };
  for (const name of names) $(name).addEventListener("input", changed);
  window.addEventListener("hashchange", read);
  for (const square of all(".fleet a")) {
    square.addEventListener("click", (event) => {
      event.preventDefault();
      for (const name of names) $(name).value = "";
      $("q").value = square.dataset.h;
      changed();
      $("q").focus();
      $("trouble").scrollIntoView();
    });
  }

  // What may be copied has its button once it is seen.
  const copy = async (button, text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  };
  const furnish = (below) => {
    for (const thing of all(".copy, .listed code, .use p code", below)) {
      if (thing.dataset.b || thing.closest("summary")) continue;
      thing.dataset.b = "1";
      const text = thing.textContent;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", `Copy ${text}`);
      button.addEventListener("click", () => copy(button, text));
      if (thing.tagName === "PRE") thing.append(button);
      else thing.after(button);
    }
  };
  document.addEventListener("toggle", (event) => { if (event.target.open) furnish(event.target); }, true);

  // Print shows all that matches.
  const opened = [];
  window.addEventListener("beforeprint", () => {
    const shut = all("details:not([open])");
    for (const one of shut) one.open = true;
    opened.push(...shut);
  });
  window.addEventListener("afterprint", () => {
    for (const one of opened.splice(0)) one.open = false;
  });
  // On a small screen every card shows what is described and what was found, until these are too many.
  if (matchMedia("(max-width: 600px)").matches) {
    let room = 40;
    for (const kind of kinds) {
      room -= kind.querySelectorAll("article").length;
      kind.open = room >= 0;
    }
  }
  read();
  apply();
})();
