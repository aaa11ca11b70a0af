// The bench: one film at a time, its cues, one cue in view; messages, actions and keys. Nothing is loaded from anywhere.
import { makeActions } from "./actions.mjs";
import { makeChooser } from "./chooser.mjs";
import { makeDetail } from "./detail.mjs";
import { base64Of, bytesOf, button, h, toolbar } from "./dom.mjs";
import { makeHelp } from "./help.mjs";
import { keyAction } from "./keys.mjs";
import { makeOverview } from "./overview.mjs";
import { makePicture } from "./picture.mjs";
import { makeRecall } from "./recall.mjs";
import { makeSide } from "./side.mjs";
import { sitting } from "./sitting.mjs";
import { heardAt, neighbour } from "./state.mjs";
import { clock, cueView } from "./time.mjs";
import { AT_END, makePlayer } from "./transport.mjs";
import { makeVersions } from "./versions.mjs";
import { makeWaves } from "./waves.mjs";

const FORMAT_NAMES = {
  "cue-sheet": "Cue sheet (CSV)", xlsx: "Cue sheet (Excel)", audacity: "Audacity labels", elan: "ELAN", textgrid: "Praat TextGrid",
  svl: "Sonic Visualiser", "sv-csv": "Sonic Visualiser (CSV)", tilia: "TiLiA (CSV)", jams: "JAMS", otio: "OpenTimelineIO", webvtt: "WebVTT",
};
const NO_TRACK_COLOR = "#888888";

export function openBench(model, el) {
  const waiting = new Map();
  const prefix = Math.random().toString(36).slice(2);
  let asked = 0;
  let gone = false;
  let opening = true;
  const trail = []; // where the annotator was, for Backspace
  let sought = new Set();

  const bench = {
    film: null, cues: [], state: { spans: [], numbers: {} }, selected: null, matter: null, edge: "start", snap: "",
    shown: { start: 0, end: 1 }, spectral: false, spanMode: false, span: 0, drawn: null,
    overview: null, grown: { seconds: 0, done: false }, fields: {},
    cue: () => bench.cues.find((c) => c.id === bench.selected) ?? null,
    cueHeard: () => heardAt(bench.cues, bench.selected, player.time),
    heard: () => (player.side === "B" && !bench.spanMode && (player.candidate || bench.cue()?.track_start != null) ? "B" : "A"),
    color: (track) => bench.film?.tracks.find((t) => t.name === track)?.color ?? NO_TRACK_COLOR,
    upcoming: () => bench.cues[bench.cues.findIndex((c) => c.id === bench.selected) + 1] ?? null,
  };

  const ask = (type, content = {}) =>
    new Promise((resolve, reject) => {
      const id = `${prefix}-${++asked}`;
      waiting.set(id, { resolve, reject });
      model.send({ type, id, ...content });
    });
  async function act(type, content = {}) {
    try {
      return await ask(type, content);
    } catch {
      return null; // it was told already
    }
  }

  // --- what stands on the page -------------------------------------------------------------------------------------
  const status = h("span", { role: "status", class: "fl-status" });
  const alert = h("div", { role: "alert", class: "fl-alert", hidden: true });
  const title = h("span", { class: "fl-title", dir: "auto" });
  const about = h("span", { class: "fl-about", dir: "auto" });
  const chip = h("span", { class: "fl-chip" });
  const helpButton = button("Help: keys", "?", () => help.toggle(), { class: "fl-round" });
  const header = h("header", { class: "fl-header" }, h("div", { class: "fl-headline" }, title, about, chip), helpButton);

  const playButton = button("Play", "▶", () => player.toggle(), { class: "fl-play" });
  const sideA = button("Hear the film (A)", "A  Film", () => player.hear("A"), { "aria-pressed": "true" });
  const sideB = button("Hear the track (B)", "B  Track", () => player.hear("B"), { "aria-pressed": "false" });
  const endButton = button("At the cue's end: stop", AT_END.stop, () => actions.atEnd());
  const speed = h("select", { "aria-label": "Speed", title: "Speed", onchange: () => player.setRate(Number(speed.value)) });
  for (const rate of [0.5, 0.75, 1, 1.25, 1.5, 2]) speed.append(h("option", { value: rate, selected: rate === 1, text: `${rate} ×` }));
  const spectrogram = button("Show the spectrogram", "Spectrogram", () => actions.spectrogram(), { "aria-pressed": "false" });
  const timecode = h("output", { class: "fl-timecode", "aria-label": "Time in the film", text: "0:00.00" });
  const transport = toolbar(
    "Playing",
    playButton,
    button("Previous cue", "‹", () => step(-1)),
    button("Next cue", "›", () => step(1)),
    timecode,
    h("span", { class: "fl-segments", role: "group", "aria-label": "Which sound" }, sideA, sideB),
    endButton,
    speed,
    h("span", { class: "fl-group" }, button("Zoom out", "−", () => actions.zoom({ by: 0.5 })), button("Zoom in", "+", () => actions.zoom({ by: 2 }))),
    spectrogram,
  );

  const audio = h("audio", { preload: "auto", class: "fl-hidden", "aria-hidden": "true" });
  const complete = h("input", { type: "checkbox", "aria-label": "All music of this film is marked" });
  complete.addEventListener("change", () => act("complete", { complete: complete.checked }));
  const spansButton = button("Recall check: listen outside the cues", "Recall check", () => actions.toggleSpans(), { "aria-pressed": "false" });
  const measures = h("span", { class: "fl-about" });
  const format = h("select", { "aria-label": "Export format", title: "Export format" });
  const importer = h("input", { type: "file", accept: ".txt,.csv,.eaf,.TextGrid,.svl,.vtt,.otio,.jams", "aria-label": "File of cues", class: "fl-hidden", tabindex: -1 });
  importer.addEventListener("change", async () => {
    const file = importer.files[0];
    const done = file && (await act("labels", { name: file.name, data: await base64Of(file) }));
    if (done?.content.problems.length) complain(`left out:\n${done.content.problems.join("\n")}`);
    importer.value = "";
  });
  const exportAll = button("Export all films", "All films", () => exportFile({ all: true }), { hidden: true });
  const footer = h(
    "footer",
    { class: "fl-footer" },
    h("label", { class: "fl-check" }, complete, "All music of this film is marked"),
    spansButton,
    measures,
    status,
    h("span", { class: "fl-row" }, h("span", { class: "fl-group" }, format, button("Export", "Export", () => exportFile())), exportAll, button("Import cues from a file", "Import cues", () => importer.click()), importer),
  );

  const root = h("div", { class: "fl-audition", tabindex: 0, "data-lm-suppress-shortcuts": "true", role: "application", "aria-label": "Audition: hear and judge cues. Press ? for keys." });
  const focus = () => root.focus({ preventScroll: true });
  Object.assign(bench, { root, trail, act, focus, say, complain, select, step, visit, onward, go, moveTo, openFilm, askPlace, askLibrary, drawAll, drawTransport });
  const overview = makeOverview(bench);
  const waves = makeWaves(bench);
  const detail = makeDetail(bench);
  const recall = makeRecall(bench);
  const picture = makePicture(bench, {
    stillAt: async (time) => (await act("picture", { time }))?.buffers.map(bytesOf)[0],
    pieceAt: (piece) => ask("clip", { piece, film_id: bench.film.id }),
  });
  const side = makeSide(bench);
  const versions = makeVersions(bench);
  title.parentNode.append(versions.chip);
  const help = makeHelp(focus);
  root.append(
    h(
      "div",
      { class: "fl-body" },
      header,
      alert,
      overview.box,
      overview.legend,
      h(
        "div",
        { class: "fl-main" },
        h("section", { class: "fl-cue", "aria-label": "Cue" }, detail.line, waves.box, transport, detail.judging, versions.box, detail.fields, detail.details, recall.box),
        h("aside", { class: "fl-side", "aria-label": "Picture and lists" }, picture.box, side.box),
      ),
      footer,
    ),
    audio,
    help.box,
  );
  const chooser = makeChooser(root, focus);
  el.append(root);

  const player = makePlayer({
    audio,
    load: async (piece) => {
      const { content, buffers } = await ask("excerpt", piece);
      return { ...content, url: URL.createObjectURL(new Blob([bytesOf(buffers[0])], { type: "audio/webm" })) };
    },
    cue: () => (bench.spanMode ? null : bench.cue()),
    range: () => (bench.spanMode ? bench.state.spans[bench.span] : versions.held() ?? bench.cue()),
    duration: () => bench.film?.duration ?? 0,
    moved: () => follow(),
    changed: () => drawTransport(),
    failed: (text) => complain(text),
  });
  Object.assign(bench, { player, chooser, detail, recall, side, help, versions, waves });
  const actions = makeActions(bench);
  bench.actions = actions;

  // --- messages ----------------------------------------------------------------------------------------------------
  const onMessage = (content, buffers) => {
    if (gone) return;
    if (content.type === "grown") {
      bench.grown = content;
      askOverview();
    } else if (content.type === "saved") saySaved(content);
    else if (content.type === "state") takeState(content);
    else if (content.type === "open") takeFilm(content);
    const promise = waiting.get(content.id);
    waiting.delete(content.id);
    if (content.type === "error") {
      if (content.about !== "picture") complain(content.text);
      promise?.reject(new Error(content.text));
    } else promise?.resolve({ content, buffers });
  };
  model.on("msg:custom", onMessage);

  function say(text) {
    status.textContent = text;
  }

  function saySaved({ text, clock }) {
    if (text) say(`${text} · saved ${clock}`);
  }

  function complain(text) {
    alert.textContent = text;
    alert.hidden = false;
    clearTimeout(complain.timer);
    complain.timer = setTimeout(() => (alert.hidden = true), 12000);
  }

  function takeFilm(content) {
    const wanted = player.wanted;
    player.stop();
    waves.empty();
    sought = new Set();
    Object.assign(bench, { film: content.film, grown: content.grown, fields: content.fields, overview: null, selected: null, matter: null, spanMode: false, span: 0, drawn: null, cues: [] });
    const { film } = bench;
    bench.alone = content.alone;
    root.classList.toggle("fl-alone", content.alone);
    title.textContent = film.title;
    about.textContent = [film.year, film.genres.join(", "), film.synthetic ? "synthetic" : ""].filter(Boolean).join(" · ");
    const chosen = format.value;
    format.replaceChildren(...content.formats.map((f) => h("option", { value: f, text: FORMAT_NAMES[f] ?? f, selected: f === chosen })));
    bench.piece = content.piece;
    picture.open();
    for (const problem of film.problems) complain(problem);
    takeState(content);
    saySaved(content);
    const { cues } = bench;
    const found = cues.find((c) => c.id === content.select) ?? cues.find((c) => !c.verdict) ?? cues[0];
    const span = /^span\|([\d.]+)\|/.exec(content.select ?? "");
    if (content.select?.startsWith("matter|")) versions.show(content.select);
    else if (found && !span) select(found.id, wanted);
    else {
      const start = span ? Number(span[1]) : 0;
      bench.shown = { start: Math.max(0, start - 5), end: Math.min(Math.max(0, start - 5) + 30, film.duration) };
      player.seek(start);
    }
    drawAll();
    askOverview();
  }

  function takeState(content) {
    const before = bench.cue();
    const heard = bench.cueHeard()?.id;
    bench.state = content;
    bench.cues = content.cues;
    side.takeState({ film_id: bench.film.id, title: bench.film.title, genres: bench.film.genres.join(" ") }, bench.cues);
    const now = bench.cue();
    if (content.type === "state" && content.select) select(content.select);
    else if (before && !now) {
      const near = [...bench.cues].sort((a, b) => Math.abs(a.start - before.start) - Math.abs(b.start - before.start))[0];
      bench.selected = null;
      if (near) select(near.id);
    } else if (before && (before.track !== now.track || placeOf(before) !== placeOf(now))) {
      waves.forget(now.id);
      player.forget();
      waves.askWave();
    }
    // an edge that moved past the head takes the head along: the cue in view is still the one that is judged
    const held = bench.cue();
    if (held && held.id === heard && bench.cueHeard()?.id !== heard) moveTo(Math.min(held.end, Math.max(held.start, player.time)));
    drawAll();
  }

  // Where the track would be at the film's start: moving an edge does not change it.
  function placeOf(c) {
    return c.track_start == null ? null : Math.round((c.track_start - c.start * c.speed) * 100);
  }

  // --- going about -------------------------------------------------------------------------------------------------
  function moveTo(time, play = player.playing) {
    player.seek(time);
    if (play) player.play();
    else player.prepare();
  }

  function select(id, play = player.wanted) {
    const q = bench.cues.find((c) => c.id === id);
    if (!q) return;
    Object.assign(bench, { selected: id, matter: null });
    bench.shown = cueView(q, bench.film.duration);
    moveTo(q.start, play);
    waves.askWave();
    drawAll();
  }

  // The selection follows the head into another cue: what is judged is what is heard.
  function follow() {
    if (bench.spanMode || player.candidate) return;
    if (versions.held()) return detail.draw();
    const q = bench.cueHeard();
    if (q && q.id !== bench.selected) {
      bench.selected = q.id;
      waves.askWave();
      if (player.playing && player.side === "B") player.play();
      drawAll();
    } else detail.draw();
  }

  function go(time) {
    const to = Math.min(bench.film.duration, Math.max(0, time));
    moveTo(to);
    const { shown } = bench;
    if (to < shown.start || to > shown.end) {
      const length = shown.end - shown.start;
      const start = Math.max(0, to - length / 2);
      bench.shown = { start, end: start + length };
    }
    follow();
    drawTransport();
  }

  const here = () => ({ film_id: bench.film.id, id: bench.matter ?? bench.selected });

  function visit(row, remember = true) {
    if (remember && here().id) trail.push(here());
    if (row.film_id !== undefined && row.film_id !== bench.film.id) return openFilm(row.film_id, row.id);
    if (row.id.startsWith("matter|")) return versions.show(row.id);
    if (!row.span) return select(row.id);
    if (row.span === "detected") bench.drawn = { start: row.start, end: row.end }; // + makes it a cue
    go(row.start);
    drawAll();
  }

  async function openFilm(film_id, id = null) {
    if (opening) return;
    opening = true;
    say("opening …");
    await act("film", { film_id, select: id });
    opening = false;
    if (status.textContent === "opening …") say("");
  }

  function step(by) {
    if (bench.spanMode) return recall.step(by);
    const id = neighbour(bench.cues, bench.selected, by);
    if (id) visit({ id });
  }

  function onward(options) {
    const next = side.next(options);
    if (next) return visit(next);
    say(options?.disputed ? "no disagreement is left" : "nothing is left in the queue");
  }

  async function exportFile(which = {}) {
    const done = await act("export", { format: format.value, ...which });
    if (!done) return;
    if (done.content.problems.length) complain(`left out:\n${done.content.problems.join("\n")}`);
    const url = URL.createObjectURL(new Blob([bytesOf(done.buffers[0])], { type: "application/octet-stream" }));
    const link = h("a", { href: url, download: done.content.name, class: "fl-hidden" });
    root.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    say(`exported ${done.content.name}`);
  }

  // --- what is fetched for the eye ---------------------------------------------------------------------------------
  // A cue that was added or relabelled has no place in its track yet: it is looked for once.
  async function askPlace(q) {
    const key = `${q.id}|${q.track}`;
    if (sought.has(key) || !bench.film.tracks.some((t) => t.name === q.track)) return;
    sought.add(key);
    await act("place", { cue: q.id });
  }

  async function askOverview() {
    if (!bench.film || !bench.grown.seconds) return;
    const { film } = bench;
    const done = await act("peaks", { start: 0, end: film.duration, count: 1600 });
    if (!done || !done.content.count || film !== bench.film) return;
    bench.overview = { rate: done.content.rate, values: new Int8Array(bytesOf(done.buffers[0]).slice().buffer) };
    overview.draw();
    waves.grew();
  }

  async function askLibrary() {
    const done = await act("library");
    if (!done) return;
    side.takeLibrary(done.content);
    act("transplanted").then((foreign) => side.takeTransplanted(foreign?.content.cues ?? []));
  }

  // --- drawing -----------------------------------------------------------------------------------------------------
  let drawing = false;
  // However often it is called for one key or answer, the page is drawn once.
  function drawAll() {
    if (!drawing) queueMicrotask(drawNow);
    drawing = true;
  }

  function drawNow() {
    drawing = false;
    if (!bench.film || gone) return;
    const n = bench.state.numbers;
    chip.textContent = `${bench.cues.filter((q) => q.verdict).length} of ${bench.cues.length} judged`;
    complete.checked = Boolean(bench.state.complete);
    const share = (v) => v.toFixed(2).replace(/^0/, "");
    const words = [];
    if (n.precision != null) words.push(`precision of judged cues ${share(n.precision)}`);
    if (n.recall != null) words.push(`recall ${share(n.recall)} (${share(n.recall_low)}–${share(n.recall_high)}, ${n.answered} span${n.answered === 1 ? "" : "s"})`);
    measures.textContent = words.join(" · ");
    spansButton.setAttribute("aria-pressed", bench.spanMode);
    detail.judging.hidden = detail.fields.hidden = detail.details.hidden = bench.spanMode;
    recall.draw();
    versions.draw();
    side.draw();
    overview.draw();
    drawTransport();
  }

  function drawTransport() {
    if (!bench.film || gone) return;
    playButton.textContent = player.playing ? "❚❚" : "▶";
    const name = player.playing ? "Pause" : "Play";
    playButton.setAttribute("aria-label", name);
    playButton.title = name;
    const known = !bench.spanMode && bench.cue()?.track_start != null;
    sideA.setAttribute("aria-pressed", bench.heard() === "A");
    sideB.setAttribute("aria-pressed", bench.heard() === "B");
    sideB.disabled = !known;
    sideB.title = known ? "Hear the track (B)" : "Where the cue lies in this track is not known";
    spectrogram.setAttribute("aria-pressed", bench.spectral);
    endButton.textContent = AT_END[player.atEnd];
    endButton.setAttribute("aria-label", `At the cue's end: ${AT_END[player.atEnd].toLowerCase()}`);
    detail.draw();
    waves.draw();
    drawHeads();
  }

  function drawHeads() {
    overview.drawHead();
    waves.drawHead();
    timecode.textContent = clock(player.time, 2);
  }

  // --- keys --------------------------------------------------------------------------------------------------------
  root.addEventListener("keydown", (event) => {
    const action = keyAction({ key: event.key, shiftKey: event.shiftKey, ctrlKey: event.ctrlKey, metaKey: event.metaKey, altKey: event.altKey, altGraph: event.getModifierState?.("AltGraph") ?? false });
    if (action || !(event.ctrlKey || event.metaKey)) event.stopPropagation(); // the notebook's own keys stay out
    if (!action || !bench.film || chooser.open) return;
    const typing = event.target.closest("input, select, textarea");
    if (typing && typing.type !== "checkbox" && action.do !== "escape") return;
    if (event.target !== root && event.target.closest("button, input") && [" ", "Enter"].includes(event.key)) return; // the button's own
    if (help.open) {
      if (["help", "escape"].includes(action.do)) help.toggle(false);
      event.preventDefault();
      return;
    }
    event.preventDefault();
    if (opening || (event.repeat && ["judge", "take", "add", "undo", "split", "merge", "duplicate"].includes(action.do))) return;
    actions[action.do](action);
  });
  // A click leaves the keys with the page, so that Space plays and does not press the button again.
  root.addEventListener("click", (event) => {
    if (event.detail > 0 && event.target.closest("button, [role=option]") && !help.open && !chooser.open && !event.target.closest("select, input")) focus();
  });

  let frame = 0;
  const tick = () => {
    if (gone) return;
    if (bench.film && player.playing) {
      player.advance();
      const { shown, film } = bench;
      if (player.time > shown.end - 0.02 * (shown.end - shown.start) && player.time < film.duration) {
        const length = shown.end - shown.start;
        const start = Math.min(player.time - 0.05 * length, Math.max(0, film.duration - length));
        if (start > shown.start) {
          bench.shown = { start, end: start + length };
          waves.draw();
        }
      }
      drawHeads();
    }
    if (bench.film && !document.hidden) picture.follow();
    frame = requestAnimationFrame(tick);
  };
  frame = requestAnimationFrame(tick);

  const redraw = () => bench.film && (overview.draw(), waves.draw());
  const sized = new ResizeObserver(redraw);
  sized.observe(overview.box);
  sized.observe(waves.box);
  const themed = new MutationObserver(() => setTimeout(redraw, 100));
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "data-theme"] });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", redraw);

  act("open", { sitting: sitting() }).then(async (done) => {
    opening = false;
    if (!done || gone) return;
    if (done.content.alone) focus();
    exportAll.hidden = !done.content.picks;
    if (done.content.picks) await askLibrary();
    root.dataset.ready = "true";
  });

  return {
    dispose() {
      gone = true;
      cancelAnimationFrame(frame);
      sized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", redraw);
      model.off("msg:custom", onMessage);
      player.dispose();
      picture.dispose();
      root.remove();
    },
  };
}

function render({ model, el }) {
  const page = openBench(model, el);
  return () => page.dispose();
}

export default { render };
