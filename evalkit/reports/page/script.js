"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const PAGE = 20;
  let limit = PAGE;

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const option = (select, value, text) => {
    const made = element("option", "", text);
    made.value = value;
    select.append(made);
  };
  const rate = (row) => (row.words ? row.errors / row.words : row.errors ? Infinity : 0);
  const orders = {
    errors: (a, b) => b.errors - a.errors || rate(b) - rate(a),
    rate: (a, b) => rate(b) - rate(a) || b.errors - a.errors,
    audio: (a, b) => b.audio_s - a.audio_s,
    clip: (a, b) => 0,
  };
  const byName = (a, b) => (a.clip < b.clip ? -1 : a.clip > b.clip ? 1 : a.system - b.system);

  data.systems.forEach((name, index) => option(at("by-system"), String(index), name));
  data.slices.forEach((name) => option(at("by-slice"), name, name.replace("=", ": ")));
  const haystack = data.rows.map((row) => `${row.clip} ${row.reference || ""} ${row.hypothesis}`.toLowerCase());

  const aligned = (steps) => {
    const line = element("p", "aligned");
    steps.forEach((step, index) => {
      if (index) line.append(" ");
      if (typeof step === "string") return line.append(step);
      const [kind, said, heard] = step;
      const gone = element("del", "", said);
      if (kind === "d") { gone.title = "deletion"; line.append(gone); return; }
      if (kind === "i") {
        const added = element("ins", "", `+${heard}`);
        added.title = "insertion";
        line.append(added);
        return;
      }
      const pair = element("span", "sub");
      pair.title = "substitution";
      pair.append(gone, element("b", "", `→${heard}`));
      line.append(pair);
    });
    return line;
  };

  const card = (row) => {
    const item = element("li");
    const about = element("p", "about");
    about.append(element("strong", "", row.clip), element("span", "", data.systems[row.system]));
    const share = row.words ? `, ${((100 * row.errors) / row.words).toFixed(1)} %` : "";
    if (row.reference !== null) {
      about.append(element("span", "", `${row.errors} errors in ${row.words} words${share}`));
      const [s, d, i] = row.kinds;
      about.append(element("span", "", `${s} substituted, ${d} deleted, ${i} inserted`));
    }
    about.append(element("span", "", `${row.audio_s.toFixed(1)} s`));
    row.slices.forEach((name) => about.append(element("span", "", name.split("=").slice(1).join("="))));
    item.append(about);
    if (row.failure) item.append(element("p", "failed", `No usable answer: ${row.failure}`));
    if (row.steps.length) item.append(aligned(row.steps));
    else item.append(element("p", "aligned", row.reference === null ? "The reference text is unknown." : "Nothing was said and nothing was heard."));
    const more = element("details");
    const list = element("dl");
    list.append(element("dt", "", "Reference"), element("dd", "", row.reference === null ? "unknown" : row.reference || "(nothing said)"));
    list.append(element("dt", "", "Hypothesis"), element("dd", "", row.hypothesis || "(nothing)"));
    more.append(element("summary", "", "As written"), list);
    item.append(more);
    return item;
  };

  const draw = () => {
    const system = at("by-system").value;
    const slice = at("by-slice").value;
    const text = at("by-text").value.trim().toLowerCase();
    const order = orders[at("by-order").value];
    const found = data.rows.filter((row, index) =>
      (!system || row.system === Number(system)) && (!slice || row.slices.includes(slice)) && (!text || haystack[index].includes(text)));
    found.sort((a, b) => order(a, b) || byName(a, b));
    at("rows").replaceChildren(...found.slice(0, limit).map(card));
    const shown = Math.min(limit, found.length);
    at("count").textContent = found.length ? `${shown} of ${found.length} shown` : "Nothing matches.";
    at("more").hidden = shown === found.length;
  };
  const restart = () => { limit = PAGE; draw(); };

  at("filters").hidden = false;
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  ["by-system", "by-slice", "by-order"].forEach((id) => at(id).addEventListener("change", restart));
  at("by-text").addEventListener("input", restart);
  at("more").addEventListener("click", () => {
    const first = limit;
    limit += PAGE;
    draw();
    const next = at("rows").children[first];
    if (next) { next.tabIndex = -1; next.focus(); }
  });
  draw();
})();
