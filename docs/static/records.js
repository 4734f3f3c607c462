// Filters for a table of records: words, paper and verdict. Without scripts the whole table is there.
"use strict";

function choice(rows, name) {
  const select = document.createElement("select");
  select.setAttribute("aria-label", name);
  select.add(new Option(`every ${name}`, ""));
  for (const value of new Set(rows.map((row) => row.dataset[name]))) {
    const count = rows.filter((row) => row.dataset[name] === value).length;
    select.add(new Option(`${value} (${count})`, value));
  }
  return select;
}

function filtered(table) {
  const rows = [...table.tBodies[0].rows];
  const words = document.createElement("input");
  words.type = "search";
  words.placeholder = "Words to look for";
  words.setAttribute("aria-label", "Words to look for");
  const choices = { paper: choice(rows, "paper"), verdict: choice(rows, "verdict") };
  const count = document.createElement("output");
  const texts = rows.map((row) => row.textContent.toLowerCase());

  function show() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      const fits = wanted.every((word) => texts[i].includes(word))
        && Object.entries(choices).every(([name, select]) => !select.value || row.dataset[name] === select.value);
      row.hidden = !fits;
      shown += fits;
    });
    count.textContent = `${shown} of ${rows.length} records`;
  }

  function open() {  // a link to one record shows it in full, whatever the filters say
    const row = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!row || !table.contains(row)) return;
    row.hidden = false;
    row.querySelectorAll("details").forEach((details) => { details.open = true; });
    row.scrollIntoView();
  }

  const bar = document.createElement("div");
  bar.className = "records-filter";
  bar.append(words, choices.paper, choices.verdict, count);
  (table.closest(".table-wrapper") || table).before(bar);
  words.addEventListener("input", show);
  Object.values(choices).forEach((select) => select.addEventListener("change", show));
  window.addEventListener("hashchange", open);
  show();
  open();
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("table.records").forEach(filtered));
