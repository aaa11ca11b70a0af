// The side panel: the queue with its progress, the cues of this film, the films.
import { button, h, listbox } from "./dom.mjs";
import { withMatters } from "./matters.mjs";
import { ORDERS, SHOWN, certainty, kept, nextOf, ordered, pace, spoken, withFilm } from "./queue.mjs";
import { VERDICTS, nameOf, search } from "./state.mjs";
import { clock } from "./time.mjs";

const MOST = 150; // rows of a list that stand on the page at once

export function makeSide(bench) {
  let rows = [];
  let films = [];
  let shown = [];
  let tab = "queue";
  const moments = [];
  const drawn = new Map(); // rows by what they show
  const select = (label, texts) => h("select", { "aria-label": label, title: label, onchange: () => draw() }, ...Object.entries(texts).map(([value, text]) => h("option", { value, text })));
  const order = select("Order of the queue", ORDERS);
  const which = select("Cues of the queue", SHOWN);
  const words = h("input", { type: "search", placeholder: "Search title, track, genre, usage", "aria-label": "Search films and cues", oninput: () => draw() });
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    bench.focus();
  });
  const bound = (label) => h("input", { type: "number", step: "any", placeholder: label, "aria-label": `${label} probability or score`, class: "fl-bound", oninput: () => draw() });
  const [low, high] = [bound("Least"), bound("Most")];
  for (const input of [low, high]) input.addEventListener("keydown", (event) => ["Enter", "Escape"].includes(event.key) && (event.preventDefault(), event.stopPropagation(), bench.focus()));
  for (const [choice, value] of [[order, "given"], [which, "given"], [which, "disputed"], [order, "transplanted"]]) choice.querySelector(`[value="${value}"]`).hidden = true;
  const bulk = button("Accept all cues above a score", "Accept above…", () => bench.actions.bulk());
  const tools = h("div", { class: "fl-row fl-queue-tools" }, order, which, low, high, bulk);
  const bar = h("div", { class: "fl-progress", role: "progressbar", "aria-label": "Judged cues of the queue", "aria-valuemin": 0, "aria-valuemax": 100 }, h("i"));
  const told = h("div", { class: "fl-about fl-told" });
  const tabs = h("div", { role: "tablist", class: "fl-segments", "aria-label": "Lists" });
  const list = listbox("Queue", (i) => openRow(shown[i]));
  list.classList.add("fl-list");
  const box = h("section", { class: "fl-queue", "aria-label": "Cues and films" }, tabs, words, tools, bar, told, list);
  const names = { queue: "Queue", cues: "This film", films: "Films" };
  const entries = Object.entries(names).map(([key, text]) => {
    const entry = button(text, text, () => {
      tab = key;
      draw();
    }, { role: "tab" });
    entry.dataset.key = key;
    return entry;
  });
  tabs.append(...entries);
  tabs.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const at = entries.findIndex((e) => e.dataset.key === tab) + by;
    const next = entries[(at + entries.length) % entries.length];
    tab = next.dataset.key;
    draw();
    next.focus();
  });

  const filter = () => ({ which: which.value, words: words.value, low: low.value === "" ? null : low.valueAsNumber, high: high.value === "" ? null : high.valueAsNumber });
  const here = () => ({ film_id: bench.film?.id, id: bench.matter ?? bench.selected });
  const inOrder = () => ordered(rows, order.value);

  function openRow(row) {
    if (!row) return;
    if (row.cues !== undefined) bench.openFilm(row.film_id);
    else bench.visit(row);
    bench.focus();
  }

  function takeState(about, cues) {
    if (!rows.length || rows.some((r) => r.film_id === about.film_id)) rows = withMatters(withFilm(rows, about, cues), about, bench.state.matters);
    if (bench.state.matters.length) which.querySelector('[value="disputed"]').hidden = false;
    const entry = films.find((f) => f.film_id === about.film_id);
    if (entry) Object.assign(entry, { judged: cues.filter((q) => q.verdict).length, complete: bench.state.complete });
  }

  function progress() {
    const scope = kept(rows, { ...filter(), which: which.value === "open" ? "all" : which.value });
    const done = scope.filter((r) => r.verdict).length;
    const share = scope.length ? Math.round((100 * done) / scope.length) : 0;
    bar.firstChild.style.width = `${share}%`;
    bar.setAttribute("aria-valuenow", share);
    const speed = scope.length > done ? pace(moments, scope.length - done) : null;
    told.textContent = `${done} of ${scope.length} judged${speed ? ` · ${Math.round(speed.perHour)} an hour · ${spoken(speed.hoursLeft)} left` : ""}`;
  }

  const percent = (v) => (v == null ? "not stamped" : `music ${Math.round(100 * v)} %`);
  const lists = {
    queue: () => kept(inOrder(), filter()),
    cues: () => bench.cues.map((q) => ({ film_id: bench.film?.id, ...q })),
    films: () => search(words.value, films, ["film_id", "title", "year", "genres", "tracks"]),
  };
  const current = (row) => row.film_id === bench.film?.id && (row.id === undefined || row.id === here().id);

  function draw() {
    if (!bench.film) return;
    if (drawn.size > 10 * MOST) drawn.clear();
    for (const entry of entries) {
      const on = entry.dataset.key === tab;
      entry.setAttribute("aria-selected", on);
      entry.tabIndex = on ? 0 : -1;
      entry.hidden = entry.dataset.key === "films" && films.length < 2;
    }
    tools.hidden = tab !== "queue";
    words.hidden = tab === "cues";
    progress();
    const all = lists[tab]();
    const at = Math.max(0, all.findIndex(current));
    const from = Math.max(0, Math.min(at - 3, all.length - MOST));
    shown = all.slice(from, from + MOST);
    list.setAttribute("aria-label", { queue: "Queue", cues: "Cues", films: "Films" }[tab]);
    list.show(shown.map(rowOf), shown.findIndex(current));
    const selected = list.querySelector('[aria-selected="true"]');
    if (selected) list.scrollTop = Math.max(0, selected.offsetTop - list.clientHeight / 2);
    if (!shown.length) list.append(h("p", { class: "fl-about fl-empty", text: tab === "queue" && !words.value ? "nothing left here" : "nothing of that name" }));
  }

  // A row that shows what it showed is the same element: most of a long list stays where it is on the page.
  function rowOf(row) {
    const [name, about] = [tab === "films" ? row.title : nameOf(row), more(row)];
    const mark = tab === "films" ? (row.complete ? "✓" : "") : VERDICTS[row.verdict ?? ""].mark;
    const shows = JSON.stringify([tab, row.film_id, row.id, name, about, mark, row.verdict, row.problem]);
    let node = drawn.get(shows);
    if (!node) {
      node = h(
        "div",
        { role: "option", class: "fl-item", title: row.problem ?? "" },
        tab === "films" ? null : h("i", { class: "fl-swatch", style: tab === "cues" ? `background:${bench.color(row.track)}` : "background:none" }),
        h("bdi", { class: "fl-item-name", text: name }),
        h("bdi", { class: "fl-item-more", text: about }),
        h("span", { class: "fl-item-mark", text: mark }),
      );
      node.dataset.verdict = row.verdict ?? "";
      drawn.set(shows, node);
    }
    node.setAttribute("aria-selected", current(row));
    return node;
  }

  function more(row) {
    if (tab === "films") return row.problem ? "verdicts cannot be read" : `${row.year ?? ""} ${percent(row.coverage)} · ${row.judged} of ${row.cues} judged`;
    if (tab === "cues") return clock(row.start);
    if (which.value === "disputed") return [films.length > 1 ? row.title : "", clock(row.start), row.disputed].filter(Boolean).join(" · ");
    const why = { certain: certainty(row), transplanted: row.excess == null ? "" : `${row.genre} ${row.probability_genre.toFixed(2)}` }[order.value] ?? "";
    return [films.length > 1 ? row.title : "", clock(row.start), why].filter(Boolean).join(" · ");
  }

  return {
    box,
    words,
    draw,
    takeState,
    takeLibrary(content) {
      rows = content.cues;
      films = content.films;
      for (const { film_id, title, genres } of films) if (content.matters[film_id]) rows = withMatters(rows, { film_id, title, genres }, content.matters[film_id]);
      which.querySelector('[value="disputed"]').hidden = !Object.values(content.matters).some((m) => m.length);
      const handed = rows.some((r) => r.given != null);
      for (const choice of [order, which]) choice.querySelector('[value="given"]').hidden = !handed;
      if (handed) [order.value, which.value] = ["given", "given"];
      draw();
    },
    takeTransplanted(found) {
      const known = new Map(found.map((r) => [`${r.film_id}|${r.id}`, r]));
      rows = rows.map((r) => ({ ...r, ...known.get(`${r.film_id}|${r.id}`) }));
      order.querySelector('[value="transplanted"]').hidden = !found.length;
      draw();
    },
    judged() {
      moments.push(Date.now());
    },
    /** What annotators differ on is decided, before it is told. */
    settle(id) {
      rows = rows.map((r) => (r.film_id === bench.film.id && r.id === id ? { ...r, disputed: "" } : r));
    },
    /** The next of the queue after the cue in view; only one that is not judged where `open`, in dispute where `disputed`. */
    next({ open = false, disputed = false, by = 1 } = {}) {
      const found = disputed ? rows.filter((r) => r.disputed) : kept(rows, filter()).filter((r) => !open || !r.verdict);
      return nextOf(inOrder(), found, here(), by);
    },
    film(by) {
      const at = films.findIndex((f) => f.film_id === bench.film.id);
      return films[at + by]?.film_id ?? null;
    },
    get several() {
      return films.length > 1;
    },
  };
}
