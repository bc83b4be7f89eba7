"use strict";
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const say = (text) => { byId("status").textContent = text; };

  // the theme: the system's, until somebody chooses
  const theme = byId("theme");
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const label = () => { theme.textContent = isDark() ? "Light theme" : "Dark theme"; };
  try { const kept = localStorage.getItem("contract-theme"); if (kept === "dark" || kept === "light") root.dataset.theme = kept; } catch { /* no storage here */ }
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("contract-theme", root.dataset.theme); } catch { /* no storage here */ }
    label();
  });
  label();
  theme.hidden = false;

  // a button for each text to copy, when it is opened
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed here */ }
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "for-readers";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  };
  document.addEventListener("toggle", (event) => {
    const box = event.target;
    if (!box.open || !box.classList.contains("copy") || box.querySelector("button")) return;
    const button = document.createElement("button");
    const name = box.querySelector("summary").textContent;
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${name}`);
    button.addEventListener("click", async () => {
      const done = await copy(box.querySelector("pre").textContent);
      button.textContent = done ? "Copied" : "Select and copy";
      say(done ? `${name} is copied` : `${name} could not be copied`);
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    box.append(button);
  }, true);

  // the filter: what fits is counted by what is shown, so that no number speaks of what is hidden
  const form = byId("filter"), query = byId("query"), outcome = byId("outcome"), section = byId("section"), none = byId("none");
  const rules = [...document.querySelectorAll(".rule")], cases = [...document.querySelectorAll(".case")];
  const byCase = new Map(cases.map((box) => [box.id, box.dataset]));
  const texts = new Map();
  const text = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };
  const wordsOf = (box) => [...box.children].filter((child) => !child.matches(".copies")).map(text).join(" ");
  const head = (rule) => [...rule.querySelectorAll(":scope > summary, .why, .reasons")].map(text).join(" ");
  const number = (count) => count.toLocaleString("en");
  const part = (count, all, noun) => (all ? `${number(count)} of ${number(all)} ${all === 1 ? noun.replace(/s$/, "") : noun}` : "");
  const anchored = (name) => `case-${name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 100)}`;
  const choose = (data) => !data || ((!outcome?.value || data.outcome === outcome.value) && (!section?.value || data.section === section.value));
  const filter = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean), chosen = outcome?.value || section?.value;
    const count = {rules: [0, 0], places: [0, 0], tolerated: [0, 0], cases: 0};
    for (const rule of rules) {
      const rest = words.length ? words.filter((word) => !head(rule).includes(word)) : [];
      const fits = (row) => choose(chosen && row.dataset.case && byCase.get(anchored(row.dataset.case))) && rest.every((word) => (row.matches(".finding") ? wordsOf(row) : text(row)).includes(word));
      const rows = [...rule.querySelectorAll(".rows li, .wide tbody tr")], full = [...rule.querySelectorAll(".finding")];
      const all = Number(rule.dataset.places) || rows.length || 1, narrows = rest.length || chosen;
      let places = narrows ? 0 : all, shown = !narrows;
      for (const row of rows) {
        row.hidden = Boolean(narrows) && !fits(row);
        if (narrows && !row.hidden) places += Number(row.dataset.places) || 1;
      }
      for (const box of full) box.hidden = Boolean(narrows) && !fits(box);
      const whole = full.filter((box) => !box.hidden).length;
      shown ||= whole > 0;
      if (narrows) places = Math.max(places, whole, !rows.length && !full.length && !rest.length ? all : 0);
      const kept = rule.querySelector(":scope > .body > .shown");
      if (kept) kept.hidden = Boolean(narrows);
      rule.hidden = !shown && !places;
      const kind = rule.id.startsWith("tolerated-") ? count.tolerated : count.rules;
      kind[0] += !rule.hidden;
      kind[1] += 1;
      if (kind === count.tolerated || !rule.dataset.places) continue;
      count.places[0] += places;
      count.places[1] += all;
    }
    for (const box of cases) {
      box.hidden = !choose(box.dataset) || !words.every((word) => text(box).includes(word));
      count.cases += !box.hidden;
    }
    byId("shown").textContent = [
      part(...count.rules, form.dataset.noun), part(...count.places, "places"),
      count.tolerated[1] ? `${part(...count.tolerated, "rules")} tolerated` : "", part(count.cases, cases.length, "cases"),
    ].filter(Boolean).join(", ");
    if (none) none.hidden = !count.rules[1] || count.rules[0] > 0;
  };
  const controls = {q: query, outcome, section};
  const keep = () => { // in the address, so that what is shown can be sent to others
    const given = new URLSearchParams(Object.entries(controls).filter(([, control]) => control?.value).map(([name, control]) => [name, control.value]));
    if (!`${given}` && !location.hash.startsWith("#?")) return;
    try { history.replaceState(null, "", `#${`${given}` && `?${given}`}`); } catch { /* not of this page */ }
  };
  const reset = () => { form.reset(); filter(); };
  let waiting = 0;
  form.addEventListener("input", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(() => { filter(); keep(); }); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { filter(); keep(); }));
  byId("all")?.addEventListener("click", () => { reset(); keep(); query.focus(); });
  document.addEventListener("click", (event) => {
    const cell = event.target.closest("a[data-outcome]");
    if (!cell || !outcome) return;
    query.value = "";
    outcome.value = cell.dataset.outcome;
    section.value = cell.dataset.section;
    filter();
  });
  form.hidden = false;

  // what a link points at is opened, and what was filtered is again
  const reveal = () => {
    if (location.hash.startsWith("#?")) {
      const given = new URLSearchParams(location.hash.slice(2));
      for (const [name, control] of Object.entries(controls)) if (control) control.value = given.get(name) || "";
      return filter();
    }
    let box = null;
    try { box = byId(decodeURIComponent(location.hash.slice(1))); } catch { /* no name */ }
    if (!box) return;
    for (let around = box; around; around = around.parentElement) {
      if (around.hidden) reset();
      if (around.tagName === "DETAILS") around.open = true;
    }
    box.scrollIntoView();
  };
  filter();

  // n and p: the next and the previous rule, opened, its address in the bar; /: the search
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "/") {
      event.preventDefault();
      query.focus();
    }
    const step = {n: 1, p: -1}[event.key], visible = rules.filter((rule) => !rule.hidden);
    if (!step || !visible.length) return;
    const at = visible.findIndex((rule) => rule.contains(document.activeElement)), next = visible[at < 0 ? 0 : at + step];
    if (!next) return;
    next.open = true;
    next.querySelector("summary").focus({preventScroll: true});
    next.scrollIntoView();
    try { history.replaceState(null, "", `#${next.id}`); } catch { /* not of this page */ }
  });

  // paper shows everything
  let closed = [];
  addEventListener("beforeprint", () => { closed = [...document.querySelectorAll("details:not([open])")]; for (const box of closed) box.open = true; });
  addEventListener("afterprint", () => { for (const box of closed) box.open = false; });
  addEventListener("hashchange", reveal);
  reveal();
})();
