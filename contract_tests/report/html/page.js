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

  // what a link points at is opened
  const reveal = () => {
    let box = null;
    try { box = byId(decodeURIComponent(location.hash.slice(1))); } catch { /* no name */ }
    if (!box) return;
    for (let around = box; around; around = around.parentElement) {
      if (around.hidden) reset();
      if (around.tagName === "DETAILS") around.open = true;
    }
    box.scrollIntoView();
  };

  // the filter
  const form = byId("filter"), query = byId("query"), outcome = byId("outcome"), section = byId("section");
  const rules = [...document.querySelectorAll(".rule")], cases = [...document.querySelectorAll(".case")];
  const texts = new Map();
  const text = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };
  const filter = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (element) => words.every((word) => text(element).includes(word));
    let shownRules = 0, shownCases = 0;
    for (const rule of rules) {
      rule.hidden = !fits(rule);
      shownRules += !rule.hidden;
      const rows = rule.hidden ? [] : [...rule.querySelectorAll(".rows li, .wide tbody tr")];
      const narrows = words.length > 0 && rows.some(fits);
      for (const row of rows) row.hidden = narrows && !fits(row);
    }
    for (const box of cases) {
      box.hidden = (outcome?.value && box.dataset.outcome !== outcome.value) || (section?.value && box.dataset.section !== section.value) || !fits(box);
      shownCases += !box.hidden;
    }
    const shown = [rules.length ? `${shownRules} of ${rules.length} ${form.dataset.noun}` : "", cases.length ? `${shownCases} of ${cases.length} cases` : ""].filter(Boolean).join(", ");
    byId("shown").textContent = shown;
  };
  const reset = () => { form.reset(); filter(); };
  let waiting = 0;
  form.addEventListener("input", () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(filter); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  document.addEventListener("click", (event) => {
    const cell = event.target.closest("a[data-outcome]");
    if (!cell || !outcome) return;
    query.value = "";
    outcome.value = cell.dataset.outcome;
    section.value = cell.dataset.section;
    filter();
  });
  form.hidden = false;
  if (query.value || outcome?.value || section?.value) filter();

  // paper shows everything
  let closed = [];
  addEventListener("beforeprint", () => { closed = [...document.querySelectorAll("details:not([open])")]; for (const box of closed) box.open = true; });
  addEventListener("afterprint", () => { for (const box of closed) box.open = false; });
  addEventListener("hashchange", reveal);
  reveal();
})();
