// The page of the audition: one film, its cues, one cue in view. Plain DOM and canvas; nothing is loaded from anywhere.
// What comes from the user's files is only ever set as text. The exported functions are pure and tested on their own.

const LEAD = 2; // seconds of film before and after a cue that are loaded with it
const PIECE = 12; // seconds of sound in one excerpt
const EDGE_PX = 7; // how near the pointer must be to take hold of an edge

export const VERDICTS = {
  "": { mark: "", name: "not judged" },
  accept: { mark: "✓", name: "accepted" },
  corrected: { mark: "✎", name: "corrected" },
  added: { mark: "+", name: "added" },
  reject: { mark: "✕", name: "rejected" },
};

export const HELP = [
  ["Space", "play or pause"],
  ["← →", "one second back or on (with Shift five)"],
  ["↑ ↓", "zoom in or out at the play head"],
  ["A  B", "hear the film, or the track, at the same moment"],
  ["J  K", "next or previous cue"],
  ["E", "take the other edge in hand: start or end"],
  ["[  ]", "that edge 0.05 s earlier or later (with Shift 0.5 s); also , and ."],
  ["Y", "accept, and on to the next cue"],
  ["N", "reject, and on to the next cue"],
  ["U", "undo"],
  ["R", "relabel: choose the track"],
  ["+", "new cue at the play head"],
  ["L", "loop the cue"],
  ["S", "waveform or spectrogram"],
  ["?", "this help; Esc closes it"],
];

export function secondsAt(px, view, width) {
  return view.start + (px / width) * (view.end - view.start);
}

export function pixelAt(seconds, view, width) {
  return ((seconds - view.start) / (view.end - view.start)) * width;
}

/** How sure the stamper is of a cue: a probability, of an engine without one its score. */
function certainty(q) {
  if (q.probability != null) return `probability ${q.probability.toFixed(2)}`;
  return q.score == null ? "" : `score ${Math.round(q.score)}`;
}

export function clock(seconds, decimals = 0) {
  const unit = 10 ** decimals;
  const ticks = Math.round(Math.max(0, seconds) * unit);
  const whole = Math.floor(ticks / unit);
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const text = h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  return decimals ? `${text}.${String(ticks % unit).padStart(decimals, "0")}` : text;
}

// What a key does; null for keys that do nothing here. AltGr is how some keyboards write [ and ].
export function keyAction({ key, shiftKey = false, ctrlKey = false, metaKey = false, altKey = false, altGraph = false }) {
  if (metaKey || ((ctrlKey || altKey) && !altGraph)) return null;
  const far = (action) => ({ ...action, by: Math.sign(action.by) * 0.5 });
  const [left, right] = [{ do: "nudge", by: -0.05 }, { do: "nudge", by: 0.05 }];
  const keys = {
    " ": { do: "play" },
    ArrowLeft: { do: "seek", by: shiftKey ? -5 : -1 },
    ArrowRight: { do: "seek", by: shiftKey ? 5 : 1 },
    ArrowUp: { do: "zoom", by: 2 },
    ArrowDown: { do: "zoom", by: 0.5 },
    "[": shiftKey ? far(left) : left,
    "]": shiftKey ? far(right) : right,
    ",": left,
    ".": right,
    "{": far(left),
    "}": far(right),
    "<": far(left),
    ">": far(right),
    ";": far(left),
    ":": far(right),
    "+": { do: "add" },
    "=": { do: "add" },
    "?": { do: "help" },
    Escape: { do: "escape" },
    a: { do: "side", side: "A" },
    b: { do: "side", side: "B" },
    j: { do: "step", by: 1 },
    k: { do: "step", by: -1 },
    e: { do: "edge" },
    y: { do: "judge", verdict: "accept" },
    n: { do: "judge", verdict: "reject" },
    u: { do: "undo" },
    r: { do: "relabel" },
    l: { do: "loop" },
    s: { do: "spectrogram" },
  };
  return keys[key.length === 1 ? key.toLowerCase() : key] ?? null;
}

// Gains of film and track for a side; a side that has no sound is not taken.
export function chooseSide(side, wanted, hasTrack) {
  const next = wanted === "B" && !hasTrack ? side : wanted;
  const heard = next === "B" && !hasTrack ? "A" : next;
  return { side: next, film: heard === "A" ? 1 : 0, track: heard === "B" ? 1 : 0 };
}

// The excerpt that holds a moment: pieces counted from a little before the cue, or from the film's start elsewhere.
export function pieceAt(time, cue, duration, lead = LEAD, length = PIECE) {
  const inCue = cue && time >= cue.start - lead - 1e-6 && time < cue.end + lead;
  const origin = inCue ? Math.max(0, cue.start - lead) : 0;
  const last = inCue ? Math.min(duration, cue.end + lead) : duration;
  const k = Math.max(0, Math.floor((time - origin) / length + 1e-9));
  const start = origin + k * length;
  return { cue: inCue ? cue.id : null, start, end: Math.min(start + length, last) };
}

export function zoomed(view, factor, centre, duration, least = 1) {
  const span = Math.min(duration, Math.max(least, (view.end - view.start) / factor));
  const share = (centre - view.start) / (view.end - view.start);
  const inside = share >= 0 && share <= 1 ? share : 0.5;
  const middle = share >= 0 && share <= 1 ? centre : (view.start + view.end) / 2;
  const start = Math.min(Math.max(0, middle - inside * span), Math.max(0, duration - span));
  return { start, end: start + span };
}

export function cueView(cue, duration) {
  const pad = Math.max(1.5, 0.12 * (cue.end - cue.start));
  return { start: Math.max(0, cue.start - pad), end: Math.min(Math.max(duration, cue.end), cue.end + pad) };
}

export function neighbour(cues, id, by) {
  const at = cues.findIndex((c) => c.id === id);
  if (!cues.length) return null;
  return cues[Math.min(cues.length - 1, Math.max(0, at < 0 ? 0 : at + by))].id;
}

export function movedEdge(cue, edge, by, duration) {
  const to = cue[edge] + by;
  const [low, high] = edge === "start" ? [0, cue.end - 0.05] : [cue.start + 0.05, Math.max(duration, cue.end)];
  return Math.round(Math.min(high, Math.max(low, to)) * 1000) / 1000;
}

export function ticks(view, width, apart = 80) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const step = steps.find((s) => (s / (view.end - view.start)) * width >= apart) ?? 7200;
  const found = [];
  for (let k = Math.ceil(view.start / step - 1e-9); k * step <= view.end + 1e-9; k++) found.push(k * step);
  return { step, times: found };
}

// Rows for blocks that overlap in time, at most `most`.
export function stacked(blocks, most = 3) {
  const ends = [];
  return blocks.map((b) => {
    let row = ends.findIndex((end) => end <= b.start + 0.05);
    if (row < 0) row = Math.min(ends.length, most - 1);
    ends[row] = Math.max(ends[row] ?? 0, b.end);
    return row;
  });
}

export function search(text, rows, fields) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const all = fields.map((f) => String(row[f] ?? "")).join(" ").toLowerCase();
    return words.every((w) => all.includes(w));
  });
}

// ---------------------------------------------------------------------------------------------------------------------

function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else if (name.startsWith("aria-")) node.setAttribute(name, String(value));
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c != null));
  return node;
}

function button(name, text, action, attributes = {}) {
  return h("button", { type: "button", "aria-label": name, title: name, onclick: action, ...attributes }, text);
}

function bytesOf(buffer) {
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer)
    : new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function render({ model, el }) {
  const page = audition(model, el);
  return () => page.dispose();
}

export default { render };

function audition(model, el) {
  const view = Math.random().toString(36).slice(2);
  const waiting = new Map();
  let asked = 0;
  let film = null;
  let cues = [];
  let state = { spans: [], numbers: {} };
  let library = null;
  let listed = "films";
  let selected = null;
  let edge = "start";
  let shown = { start: 0, end: 1 };
  let spectral = false;
  let spanMode = false;
  let span = 0;
  let waves = new Map();
  let tiles = new Map();
  let overview = null;
  let grown = { seconds: 0, done: false };
  let sought = new Set();
  let drag = null;
  let gone = false;

  const ask = (type, content = {}) =>
    new Promise((resolve, reject) => {
      const id = `${view}-${++asked}`;
      waiting.set(id, { resolve, reject });
      model.send({ type, id, ...content });
    });
  const cue = () => cues.find((c) => c.id === selected) ?? null;
  const heard = () => (player.side === "B" && !spanMode && cue()?.track_start != null ? "B" : "A");
  const color = (track) => film?.tracks.find((t) => t.name === track)?.color ?? "#888888";

  // --- what stands on the page -------------------------------------------------------------------------------------
  const status = h("span", { role: "status", class: "fl-status" });
  const alert = h("div", { role: "alert", class: "fl-alert", hidden: true });
  const title = h("span", { class: "fl-title", dir: "auto" });
  const about = h("span", { class: "fl-about", dir: "auto" });
  const progress = h("span", { class: "fl-chip" });
  const measures = h("span", { class: "fl-about" });
  const complete = h("input", { type: "checkbox", "aria-label": "All music of this film is marked" });
  complete.addEventListener("change", () => act("complete", { complete: complete.checked }));
  const spanButton = button("Recall check: listen outside the cues", "Recall check", () => toggleSpans(), { "aria-pressed": "false" });
  const format = h("select", { "aria-label": "Export format", title: "Export format" });
  const importer = h("input", { type: "file", accept: ".txt", "aria-label": "Import Audacity labels", class: "fl-hidden", tabindex: -1 });
  importer.addEventListener("change", async () => {
    const file = importer.files[0];
    if (file) await act("labels", { name: file.name, text: await file.text() });
    importer.value = "";
  });
  const filmsButton = button("Choose a film or cue", "Films", () => toggleLibrary(), { "aria-expanded": "true", hidden: true });
  const header = h(
    "header",
    { class: "fl-header" },
    h("div", { class: "fl-headline" }, title, about, progress),
    h(
      "div",
      { class: "fl-tools" },
      filmsButton,
      h("span", { class: "fl-group" }, format, button("Export", "Export", () => exportFile())),
      button("Import Audacity labels from a file", "Import labels", () => importer.click()),
      importer,
      button("Help: keys", "?", () => toggleHelp(), { class: "fl-round" }),
    ),
  );

  const searchBox = h("input", { type: "search", placeholder: "Search films and cues", "aria-label": "Search films and cues", oninput: () => drawLibrary() });
  const tabs = h("div", { role: "tablist", class: "fl-segments", "aria-label": "Lists" });
  const list = h("div", { class: "fl-library-list", role: "tabpanel", "aria-label": "Films and cues" });
  const shelf = h("section", { class: "fl-library", "aria-label": "Films", hidden: true }, h("div", { class: "fl-row" }, tabs, searchBox), list);

  const timelineCanvas = h("canvas", { class: "fl-canvas" });
  const timelineHead = h("div", { class: "fl-head" });
  const timelineBox = h(
    "div",
    { class: "fl-timeline", role: "slider", tabindex: 0, "aria-label": "Place in the film", "aria-valuemin": 0, "aria-valuenow": 0 },
    timelineCanvas,
    timelineHead,
  );
  const legend = h("div", { class: "fl-legend", "aria-hidden": "true" });

  const cueName = h("span", { class: "fl-cue-name", dir: "auto" });
  const cueNumber = h("span", { class: "fl-about" });
  const cueTimes = h("span", { class: "fl-times" });
  const cueBadge = h("span", { class: "fl-badge" });
  const cueCanvas = h("canvas", { class: "fl-canvas" });
  const cueHead = h("div", { class: "fl-head" });
  const cueBox = h("div", { class: "fl-waves", role: "img", "aria-label": "Film and track at the cue" }, cueCanvas, cueHead);

  const playButton = button("Play", "▶", () => player.toggle(), { class: "fl-play" });
  const sideA = button("Hear the film (A)", "A  Film", () => player.hear("A"), { "aria-pressed": "true" });
  const sideB = button("Hear the track (B)", "B  Track", () => player.hear("B"), { "aria-pressed": "false" });
  const loopButton = button("Loop the cue", "Loop", () => setLoop(!player.loop), { "aria-pressed": "false" });
  const speed = h("select", { "aria-label": "Speed", title: "Speed", onchange: () => player.setRate(Number(speed.value)) });
  for (const rate of [0.5, 0.75, 1, 1.25, 1.5, 2]) speed.append(h("option", { value: rate, selected: rate === 1, text: `${rate} ×` }));
  const spectrogramButton = button("Show the spectrogram", "Spectrogram", () => setSpectral(!spectral), { "aria-pressed": "false" });
  const timecode = h("output", { class: "fl-timecode", "aria-label": "Time in the film", text: "0:00.00" });
  const transport = h(
    "div",
    { class: "fl-row", role: "toolbar", "aria-label": "Playing" },
    button("Previous cue", "‹", () => step(-1)),
    playButton,
    button("Next cue", "›", () => step(1)),
    timecode,
    h("span", { class: "fl-segments", role: "group", "aria-label": "Which sound" }, sideA, sideB),
    loopButton,
    speed,
    h("span", { class: "fl-group" }, button("Zoom out", "−", () => zoom(0.5)), button("Zoom in", "+", () => zoom(2))),
    spectrogramButton,
  );

  const edgeStart = button("Take the start in hand", "Start", () => setEdge("start"), { "aria-pressed": "true" });
  const edgeEnd = button("Take the end in hand", "End", () => setEdge("end"), { "aria-pressed": "false" });
  const relabel = h("select", { "aria-label": "Track of the cue", title: "Track of the cue (R)", class: "fl-relabel" });
  relabel.addEventListener("change", () => cue() && act("relabel", { cue: selected, track: relabel.value }).then(focusRoot));
  const usage = h("select", { "aria-label": "Usage", title: "Usage" });
  for (const value of ["", "score", "song", "diegetic"]) usage.append(h("option", { value, text: value || "usage" }));
  usage.addEventListener("change", () => cue() && act("describe", { cue: selected, usage: usage.value }).then(focusRoot));
  const note = h("input", { type: "text", placeholder: "Note", "aria-label": "Note", class: "fl-note", dir: "auto" });
  note.addEventListener("change", () => cue() && act("describe", { cue: selected, note: note.value }));
  const undoButton = button("Undo", "Undo", () => act("undo"));
  const acceptButton = button("Accept cue", "✓ Accept", () => judge("accept"), { class: "fl-good" });
  const rejectButton = button("Reject cue", "✕ Reject", () => judge("reject"), { class: "fl-bad" });
  const judging = h(
    "div",
    { class: "fl-row", role: "toolbar", "aria-label": "Judging" },
    acceptButton,
    rejectButton,
    undoButton,
    h("span", { class: "fl-segments", role: "group", "aria-label": "Edge in hand" }, edgeStart, edgeEnd),
    h("span", { class: "fl-group" }, button("Edge earlier", "◂", () => nudge(-0.05)), button("Edge later", "▸", () => nudge(0.05))),
    button("New cue at the play head", "+ Cue", () => addCue()),
  );
  const details = h("div", { class: "fl-row fl-details" }, relabel, usage, note);

  const spanText = h("p", { class: "fl-question" });
  const spanYes = button("Music of the soundtrack plays here", "Music plays", () => answerSpan(true));
  const spanNo = button("No music of the soundtrack here", "No music", () => answerSpan(false));
  const spanPanel = h(
    "section",
    { class: "fl-spans", hidden: true, "aria-label": "Recall check" },
    spanText,
    h("div", { class: "fl-row" }, button("Previous span", "‹", () => stepSpan(-1)), button("Play the span", "▶ Span", () => playSpan()), button("Next span", "›", () => stepSpan(1)), spanYes, spanNo),
  );

  const picture = h("img", { class: "fl-picture", alt: "Picture at the play head" });
  const noPicture = h("div", { class: "fl-picture fl-no-picture", text: "no picture" });
  const cueList = h("div", { class: "fl-cues", role: "listbox", tabindex: 0, "aria-label": "Cues" });
  const audio = h("audio", { preload: "auto", class: "fl-hidden", "aria-hidden": "true" });

  const helpList = h("dl", {});
  for (const [keys, text] of HELP) helpList.append(h("dt", {}, h("kbd", { text: keys })), h("dd", { text }));
  const help = h(
    "div",
    { class: "fl-help", role: "dialog", "aria-label": "Keys", hidden: true },
    h("div", { class: "fl-help-card" }, h("h3", { text: "Keys" }), helpList, button("Close help", "Close", () => toggleHelp(false))),
  );

  const root = h(
    "div",
    { class: "fl-audition", tabindex: 0, "data-lm-suppress-shortcuts": "true", role: "application", "aria-label": "Audition: hear and judge cues. Press ? for keys." },
    h("div", {
      class: "fl-body",
    },
      header,
      alert,
      shelf,
      timelineBox,
      legend,
      h(
        "div",
        { class: "fl-main" },
        h(
          "section",
          { class: "fl-cue", "aria-label": "Cue" },
          h("div", { class: "fl-cue-line" }, cueNumber, cueName, cueBadge, cueTimes),
          cueBox,
          transport,
          judging,
          details,
          spanPanel,
        ),
        h("aside", { class: "fl-side", "aria-label": "Picture and cues" }, picture, noPicture, cueList),
      ),
      h("footer", { class: "fl-footer" }, h("label", { class: "fl-check" }, complete, "All music of this film is marked"), spanButton, measures, status),
    ),
    audio,
    help,
  );
  el.append(root);

  // --- sound -------------------------------------------------------------------------------------------------------
  const player = makePlayer({
    audio,
    load: async (piece) => {
      const { content, buffers } = await ask("excerpt", piece);
      return { ...content, url: URL.createObjectURL(new Blob([bytesOf(buffers[0])], { type: "audio/webm" })) };
    },
    cue: () => (spanMode ? null : cue()),
    range: () => (spanMode ? state.spans[span] : cue()),
    duration: () => film?.duration ?? 0,
    changed: () => drawTransport(),
    failed: (text) => complain(text),
  });

  // --- messages ----------------------------------------------------------------------------------------------------
  const onMessage = (content, buffers) => {
    if (content.type === "grown") {
      grown = content;
      askOverview();
    } else if (content.type === "state") takeState(content);
    else if (content.type === "open" && content.id && !waiting.has(content.id)) takeFilm(content);
    const promise = waiting.get(content.id);
    waiting.delete(content.id);
    if (content.type === "error") {
      if (content.about !== "picture") complain(content.text);
      promise?.reject(new Error(content.text));
    } else promise?.resolve({ content, buffers });
  };
  model.on("msg:custom", onMessage);

  function complain(text) {
    alert.textContent = text;
    alert.hidden = false;
    clearTimeout(complain.timer);
    complain.timer = setTimeout(() => (alert.hidden = true), 12000);
  }

  async function act(type, content = {}) {
    try {
      return await ask(type, content);
    } catch {
      return null; // it was told already
    }
  }

  function takeFilm(content) {
    player.stop();
    film = content.film;
    grown = content.grown;
    waves = new Map();
    tiles = new Map();
    sought = new Set();
    overview = null;
    selected = null;
    spanMode = false;
    span = 0;
    title.textContent = film.title;
    about.textContent = [film.year, film.genres.join(", "), film.synthetic ? "synthetic" : ""].filter(Boolean).join(" · ");
    format.replaceChildren(...content.formats.map((f) => h("option", { value: f, text: FORMAT_NAMES[f] ?? f })));
    relabel.replaceChildren(...film.tracks.map((t) => h("option", { value: t.name, text: t.name })));
    timelineBox.setAttribute("aria-valuemax", Math.round(film.duration));
    picture.hidden = true;
    noPicture.hidden = false;
    noPicture.textContent = film.pictures ? "" : "no picture";
    for (const problem of film.problems) complain(problem);
    takeState(content);
    const at = content.select_time;
    const wanted = at == null ? cues[0] : cues.find((c) => Math.abs(c.start - at) < 0.01) ?? cues[0];
    if (wanted) select(wanted.id);
    else {
      shown = { start: 0, end: Math.min(30, film.duration) };
      player.seek(0);
    }
    drawAll();
    askOverview();
  }

  function takeState(content) {
    const before = cue();
    state = content;
    cues = content.cues;
    const entry = library?.films.find((f) => f.film_id === film.id);
    if (entry) {
      entry.judged = cues.filter((q) => q.verdict).length;
      entry.complete = content.complete;
      library.least_certain = library.least_certain.filter((q) => q.film_id !== film.id || !cues.some((k) => k.verdict && Math.abs(k.stamped_start - q.start) < 0.01));
      drawLibrary();
    }
    if (content.text) status.textContent = `${content.text} · saved ${content.clock}`;
    if (content.select) select(content.select);
    else if (before && !cue()) {
      const near = [...cues].sort((a, b) => Math.abs(a.start - before.start) - Math.abs(b.start - before.start))[0];
      selected = null;
      if (near) select(near.id);
    } else if (before && cue() && (before.track !== cue().track || before.track_start !== cue().track_start || before.start !== cue().start)) {
      const moved = cue();
      const samePlace = moved.track === before.track && placeOf(moved) === placeOf(before);
      if (!samePlace) {
        waves.delete(moved.id);
        for (const key of [...tiles.keys()]) if (key.startsWith(`${moved.id}|`)) tiles.delete(key);
        player.forget();
        askWave();
      }
    }
    drawAll();
  }

  // Where the track would be at the film's start: moving an edge does not change it.
  function placeOf(c) {
    return c.track_start == null ? null : Math.round((c.track_start - c.start * c.speed) * 100);
  }

  // --- acting ------------------------------------------------------------------------------------------------------
  function focusRoot() {
    root.focus({ preventScroll: true });
  }

  function select(id) {
    if (id === null || id === selected) return drawAll();
    const playing = player.playing;
    selected = id;
    shown = cueView(cue(), film.duration);
    player.seek(cue().start);
    if (playing) player.play();
    else player.prepare();
    askWave();
    drawAll();
  }

  function step(by) {
    if (spanMode) return stepSpan(by);
    select(neighbour(cues, selected, by));
  }

  async function judge(verdict) {
    if (spanMode) return answerSpan(verdict === "accept");
    if (!cue()) return;
    const next = neighbour(cues, selected, 1);
    const done = await act("judge", { cue: selected, verdict });
    if (done && cues.some((c) => c.id === next)) select(next);
  }

  function nudge(by) {
    // by, not to: presses that follow each other fast must add up
    if (cue() && !spanMode) return act("move", { cue: selected, edge, by });
  }

  function addCue() {
    const track = cue()?.track ?? film.tracks[0]?.name;
    if (!track) return complain("the film has no track to name the cue after");
    if (spanMode) toggleSpans(false);
    return act("add", { track, start: player.time });
  }

  function setEdge(name) {
    edge = name;
    edgeStart.setAttribute("aria-pressed", name === "start");
    edgeEnd.setAttribute("aria-pressed", name === "end");
    drawCue();
  }

  function setLoop(on) {
    player.loop = on;
    loopButton.setAttribute("aria-pressed", on);
  }

  function setSpectral(on) {
    spectral = on;
    spectrogramButton.setAttribute("aria-pressed", on);
    drawCue();
  }

  function zoom(factor) {
    shown = zoomed(shown, factor, player.time, film.duration);
    drawCue();
  }

  function toggleHelp(on = help.hidden) {
    help.hidden = !on;
    if (on) help.querySelector("button").focus();
    else focusRoot();
  }

  function toggleSpans(on = !spanMode) {
    spanMode = on && state.spans.length > 0;
    if (on && !spanMode) complain("there is no room outside the cues to draw spans from");
    spanButton.setAttribute("aria-pressed", spanMode);
    if (spanMode) {
      const open = state.spans.findIndex((s) => !s.answer);
      showSpan(open < 0 ? 0 : open);
    } else if (cue()) {
      shown = cueView(cue(), film.duration);
      player.seek(cue().start);
    }
    drawAll();
  }

  function showSpan(number) {
    span = number;
    const { start, end } = state.spans[span];
    shown = { start: Math.max(0, start - 2.5), end: Math.min(film.duration, end + 2.5) };
    const playing = player.playing;
    player.seek(start);
    if (playing) player.play();
    else player.prepare();
    askWave();
    drawAll();
  }

  function stepSpan(by) {
    showSpan(Math.min(state.spans.length - 1, Math.max(0, span + by)));
  }

  function playSpan() {
    player.seek(state.spans[span].start);
    player.play();
  }

  async function answerSpan(music) {
    const { start, end } = state.spans[span];
    const done = await act("answer", { start, end, music });
    if (done && span + 1 < state.spans.length) showSpan(span + 1);
    drawAll();
  }

  async function exportFile() {
    const done = await act("export", { format: format.value });
    if (!done) return;
    const url = URL.createObjectURL(new Blob([bytesOf(done.buffers[0])], { type: "application/octet-stream" }));
    const link = h("a", { href: url, download: done.content.name, class: "fl-hidden" });
    root.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    status.textContent = `exported ${done.content.name}`;
  }

  async function openFilm(film_id, start) {
    const done = await act("film", { film_id, start });
    if (!done) return;
    takeFilm(done.content);
    askLibrary();
    focusRoot();
  }

  // --- what is fetched for the eye ---------------------------------------------------------------------------------
  // A cue that was added or relabelled has no place in its track yet: it is looked for once.
  async function askPlace(q) {
    const key = `${q.id}|${q.track}`;
    if (sought.has(key) || !film.tracks.some((t) => t.name === q.track)) return;
    sought.add(key);
    await act("place", { cue: q.id });
  }

  async function askWave(q = cue()) {
    const range = spanMode ? state.spans[span] : q;
    const key = spanMode ? `span ${range.start}` : q?.id;
    if (!range || waves.has(key)) return;
    if (!spanMode && q.track_start == null) askPlace(q);
    waves.set(key, null);
    const wide = cueView(range, film.duration);
    const pad = 2 * (range.start - wide.start);
    const stretch = { start: Math.max(0, wide.start - pad), end: Math.min(film.duration, wide.end + pad) };
    const done = await act("waveform", { cue: spanMode ? null : key, ...stretch });
    if (!done) return waves.delete(key);
    const [lower, upper] = done.buffers.map((b) => new Int8Array(bytesOf(b).slice().buffer));
    waves.set(key, { start: done.content.start, end: done.content.end, film: lower, track: upper });
    drawCue();
    const next = spanMode ? null : cues[cues.findIndex((c) => c.id === selected) + 1];
    if (next && key === selected) {
      askWave(next); // it will be looked at soon
      player.prepare(next);
    }
  }

  async function askTile(source, number) {
    const key = `${source === "track" ? selected : ""}|${number}`;
    if (tiles.has(key)) return tiles.get(key);
    tiles.set(key, null);
    const done = await act("spectrogram", { cue: selected, source, tile: number });
    if (!done) return null;
    const { columns, rows, seconds } = done.content;
    const values = bytesOf(done.buffers[0]);
    const image = new ImageData(columns, rows);
    for (let i = 0; i < values.length; i++) {
      const [r, g, b] = heat(values[i] / 255);
      image.data.set([r, g, b, 255], 4 * i);
    }
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [columns, rows];
    canvas.getContext("2d").putImageData(image, 0, 0);
    tiles.set(key, { canvas, seconds });
    if (tiles.size > 240) tiles.delete(tiles.keys().next().value);
    drawCue();
    return null;
  }

  async function askOverview() {
    if (!film || !grown.seconds) return;
    const done = await act("peaks", { start: 0, end: film.duration, count: 1600 });
    if (!done || !done.content.count) return;
    overview = { rate: done.content.rate, values: new Int8Array(bytesOf(done.buffers[0]).slice().buffer) };
    drawTimeline();
  }

  let pictureBusy = false;
  let pictureAt = -1;
  async function askPicture(time) {
    if (!film?.pictures || pictureBusy || Math.abs(time - pictureAt) < 0.3) return;
    pictureBusy = true;
    pictureAt = time;
    const done = await act("picture", { time });
    pictureBusy = false;
    if (!done || gone) return;
    const old = picture.src;
    picture.src = URL.createObjectURL(new Blob([bytesOf(done.buffers[0])], { type: "image/jpeg" }));
    picture.hidden = false;
    noPicture.hidden = true;
    if (old.startsWith("blob:")) URL.revokeObjectURL(old);
  }

  async function askLibrary() {
    const done = await act("library");
    library = done?.content ?? null;
    drawLibrary();
    const foreign = library && (await act("transplanted"));
    if (foreign) library.transplanted = foreign.content.cues;
    drawLibrary();
  }

  // --- drawing -----------------------------------------------------------------------------------------------------
  function ink() {
    const style = getComputedStyle(root);
    const get = (name) => style.getPropertyValue(name).trim();
    return { ink: get("--fl-ink"), quiet: get("--fl-quiet"), line: get("--fl-line"), ground: get("--fl-ground"), accent: get("--fl-accent"), wave: get("--fl-wave"), good: get("--fl-good"), bad: get("--fl-bad"), font: "11px " + style.fontFamily };
  }

  function surface(canvas, height) {
    const width = Math.max(50, canvas.parentElement.clientWidth);
    const scale = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
      canvas.style.height = `${height}px`;
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    return { pen, width };
  }

  const GUTTER = 74;
  function drawTimeline() {
    if (!film || gone) return;
    const c = ink();
    const rows = stacked(cues);
    const deep = Math.max(1, ...rows.map((r) => r + 1));
    const has = { notes: film.annotations.length > 0, genre: film.genre_curve, light: film.brightness };
    const top = 18;
    const wave = 40;
    const cuesAt = top + wave + 6;
    let y = cuesAt + deep * 20 + 4;
    const notesAt = y;
    if (has.notes) y += 14;
    const genreAt = y;
    if (has.genre) y += 46;
    const lightAt = y;
    if (has.light) y += 16;
    const { pen, width } = surface(timelineCanvas, y + 2);
    const all = { start: 0, end: Math.max(film.duration, 0.1) };
    const x = (t) => GUTTER + pixelAt(t, all, width - GUTTER - 8);
    pen.font = c.font;
    pen.textBaseline = "middle";
    pen.lineWidth = 1;
    const label = (text, at) => {
      pen.fillStyle = c.quiet;
      pen.textAlign = "left";
      pen.fillText(text, 2, at);
    };
    pen.textAlign = "center";
    const marks = ticks(all, width - GUTTER - 8);
    for (const t of marks.times) {
      pen.strokeStyle = c.line;
      pen.beginPath();
      pen.moveTo(Math.round(x(t)) + 0.5, top - 2);
      pen.lineTo(Math.round(x(t)) + 0.5, y);
      pen.stroke();
      pen.fillStyle = c.quiet;
      if (x(t) < width - 14) pen.fillText(clock(t), x(t), 8);
    }
    label(grown.done || !grown.seconds ? "film" : `film ${Math.round((100 * grown.seconds) / film.duration)} %`, top + wave / 2);
    if (overview) {
      pen.fillStyle = c.wave;
      bars(pen, overview.values, 0, overview.values.length / 2 / overview.rate, all, GUTTER, width - GUTTER - 8, top + wave / 2, wave / 2);
    } else {
      pen.fillStyle = c.line;
      pen.fillRect(GUTTER, top + wave / 2, width - GUTTER - 8, 1);
    }
    label("cues", cuesAt + 9);
    cues.forEach((q, i) => {
      const [from, size] = [x(q.start), Math.max(2, x(q.end) - x(q.start))];
      const at = cuesAt + rows[i] * 20;
      pen.globalAlpha = q.verdict === "reject" ? 0.25 : 1;
      pen.fillStyle = color(q.track);
      rounded(pen, from, at, size, 17, 3);
      pen.fill();
      pen.globalAlpha = 1;
      if (q.verdict === "reject") {
        pen.strokeStyle = c.bad;
        pen.beginPath();
        pen.moveTo(from, at + 8.5);
        pen.lineTo(from + size, at + 8.5);
        pen.stroke();
      }
      if (q.verdict && size > 13) {
        pen.fillStyle = q.verdict === "reject" ? c.bad : "#fff";
        pen.textAlign = "center";
        pen.font = "bold 11px sans-serif";
        pen.fillText(VERDICTS[q.verdict].mark, from + 8, at + 9);
        pen.font = c.font;
      }
      if (q.id === selected) {
        pen.strokeStyle = c.ink;
        pen.lineWidth = 2;
        rounded(pen, from - 1.5, at - 1.5, size + 3, 20, 4);
        pen.stroke();
        pen.lineWidth = 1;
      }
    });
    for (const s of state.spans) {
      if (!spanMode && !s.answer) continue;
      pen.strokeStyle = s.answer === "music" ? c.bad : s.answer ? c.good : c.accent;
      pen.strokeRect(x(s.start), cuesAt + 5, Math.max(3, x(s.end) - x(s.start)), 8);
    }
    if (has.notes) {
      label("annotated", notesAt + 5);
      for (const a of film.annotations) {
        pen.fillStyle = color(a.track);
        pen.fillRect(x(a.start), notesAt + 2, Math.max(2, x(a.end) - x(a.start)), 6);
      }
    }
    if (has.genre) {
      label("genre", genreAt + 20);
      const high = (p) => genreAt + 38 - 34 * p;
      pen.strokeStyle = c.line;
      pen.strokeRect(GUTTER + 0.5, high(1) + 0.5, width - GUTTER - 9, 34);
      has.genre.genres.forEach((name, k) => {
        pen.strokeStyle = has.genre.colors[k];
        pen.lineWidth = film.genres.includes(name) ? 2.5 : 1.25;
        for (const row of has.genre.rows) {
          pen.beginPath();
          pen.moveTo(x(row[0]), high(row[2 + k]));
          pen.lineTo(Math.max(x(row[1]), x(row[0]) + 2), high(row[2 + k]));
          pen.stroke();
        }
      });
      pen.lineWidth = 1;
    }
    if (has.light) {
      label("brightness", lightAt + 6);
      const part = film.duration / has.light.length;
      has.light.forEach((v, i) => {
        if (v == null) return;
        pen.fillStyle = `rgb(${v},${v},${v})`;
        pen.fillRect(x(i * part), lightAt, x((i + 1) * part) - x(i * part) + 0.6, 11);
      });
      pen.strokeStyle = c.line;
      pen.strokeRect(GUTTER + 0.5, lightAt - 0.5, width - GUTTER - 9, 12);
    }
    timelineBox.dataset.gutter = GUTTER;
    drawHeads();
  }

  function drawLegend() {
    const items = film.tracks.filter((t) => cues.some((q) => q.track === t.name) || film.annotations.some((a) => a.track === t.name));
    const dot = (colour, text) => h("span", { class: "fl-key" }, h("i", { style: `background:${colour}` }), h("bdi", { text }));
    legend.replaceChildren(
      ...items.slice(0, 12).map((t) => dot(t.color, t.name)),
      ...(film.genre_curve ? [h("span", { class: "fl-key fl-key-gap", text: "genre:" }), ...film.genre_curve.genres.map((g, k) => dot(film.genre_curve.colors[k], g))] : []),
    );
  }

  const LANE = 82;
  function drawCue() {
    if (!film || gone) return;
    const c = ink();
    const { pen, width } = surface(cueCanvas, 2 * LANE + 34);
    const q = spanMode ? null : cue();
    const x = (t) => pixelAt(t, shown, width);
    pen.font = c.font;
    pen.textBaseline = "middle";
    const range = spanMode ? state.spans[span] : q;
    if (range && !spectral) {
      pen.fillStyle = q ? color(q.track) : c.accent;
      pen.globalAlpha = 0.13;
      pen.fillRect(x(range.start), 20, x(range.end) - x(range.start), 2 * LANE + 12);
      pen.globalAlpha = 1;
    }
    pen.textAlign = "center";
    for (const t of ticks(shown, width, 90).times) {
      pen.strokeStyle = c.line;
      pen.beginPath();
      pen.moveTo(Math.round(x(t)) + 0.5, 16);
      pen.lineTo(Math.round(x(t)) + 0.5, 2 * LANE + 34);
      pen.stroke();
      pen.fillStyle = c.quiet;
      pen.fillText(clock(t, shown.end - shown.start < 4 ? 1 : 0), Math.min(width - 18, Math.max(16, x(t))), 7);
    }
    const data = waves.get(spanMode ? `span ${range?.start}` : selected);
    const lane = (name, at, values, source, loud) => {
      pen.globalAlpha = loud ? 1 : 0.55;
      if (spectral && (source === "film" || q?.track_start != null)) paintTiles(pen, source, at, width, x);
      else if (data && values) {
        pen.fillStyle = source === "track" && q ? color(q.track) : c.wave;
        bars(pen, values, data.start, data.end, shown, 0, width, at + LANE / 2, LANE / 2 - 3);
      } else {
        pen.fillStyle = c.quiet;
        pen.textAlign = "center";
        const why = spanMode ? "listen to the film alone" : !q ? "" : q.track_start == null ? "where the cue lies in this track is not known" : "…";
        pen.fillText(source === "film" && !data ? "…" : why, width / 2, at + LANE / 2);
      }
      pen.globalAlpha = 1;
      pen.textAlign = "left";
      const size = pen.measureText(name).width + 10;
      pen.fillStyle = loud ? c.accent : c.ground;
      rounded(pen, 4, at + 4, size, 16, 8);
      pen.fill();
      pen.fillStyle = loud ? "#fff" : c.quiet;
      pen.fillText(name, 9, at + 12.5);
    };
    lane("A  Film", 22, data?.film, "film", heard() === "A");
    lane("B  Track", 22 + LANE + 6, data?.track, "track", heard() === "B");
    pen.fillStyle = c.line;
    pen.fillRect(0, 22 + LANE + 3, width, 1);
    if (q) {
      for (const name of ["start", "end"]) {
        const at = x(drag?.edge === name ? drag.to : q[name]);
        const held = edge === name;
        pen.fillStyle = held ? c.accent : spectral ? "#ffffff" : c.ink;
        pen.fillRect(at - (held ? 1.5 : 0.75), 16, held ? 3 : 1.5, 2 * LANE + 18);
        pen.fillStyle = held ? c.accent : c.ink;
        rounded(pen, at - 5, 14, 10, 10, 3);
        pen.fill();
      }
    }
    drawHeads();
  }

  function paintTiles(pen, source, at, width, x) {
    const seconds = 8;
    pen.fillStyle = "#000";
    pen.fillRect(0, at, width, LANE);
    pen.save();
    pen.beginPath();
    pen.rect(0, at, width, LANE);
    pen.clip();
    for (let k = Math.max(0, Math.floor(shown.start / seconds)); k * seconds < Math.min(shown.end, film.duration); k++) {
      const tile = tiles.get(`${source === "track" ? selected : ""}|${k}`);
      if (tile) pen.drawImage(tile.canvas, x(k * seconds), at, x((k + 1) * seconds) - x(k * seconds) + 0.5, LANE);
      else if (tile === undefined) askTile(source, k);
    }
    pen.restore();
  }

  function drawHeads() {
    if (!film) return;
    const inner = timelineBox.clientWidth - GUTTER - 8;
    const whole = { start: 0, end: Math.max(film.duration, 0.1) };
    timelineHead.style.transform = `translateX(${GUTTER + pixelAt(player.time, whole, inner)}px)`;
    const at = pixelAt(player.time, shown, cueBox.clientWidth);
    cueHead.style.transform = `translateX(${at}px)`;
    cueHead.hidden = at < 0 || at > cueBox.clientWidth;
    timecode.textContent = clock(player.time, 2);
  }

  function drawTransport() {
    if (gone) return;
    playButton.textContent = player.playing ? "❚❚" : "▶";
    playButton.setAttribute("aria-label", player.playing ? "Pause" : "Play");
    playButton.title = player.playing ? "Pause" : "Play";
    const known = !spanMode && cue()?.track_start != null;
    sideA.setAttribute("aria-pressed", heard() === "A");
    sideB.setAttribute("aria-pressed", heard() === "B");
    sideB.disabled = !known;
    sideB.title = known ? "Hear the track (B)" : "Where the cue lies in this track is not known";
    timelineBox.setAttribute("aria-valuenow", Math.round(player.time));
    timelineBox.setAttribute("aria-valuetext", clock(player.time));
    drawCue();
  }

  function drawCard() {
    const q = spanMode ? null : cue();
    judging.hidden = details.hidden = spanMode;
    spanPanel.hidden = !spanMode;
    for (const b of [acceptButton, rejectButton, relabel, usage, note]) b.disabled = !q;
    undoButton.disabled = !state.can_undo;
    cueBadge.hidden = !q;
    if (spanMode) {
      const s = state.spans[span];
      cueNumber.textContent = `Span ${span + 1} of ${state.spans.length}`;
      cueName.textContent = "";
      cueTimes.textContent = `${clock(s.start, 1)} – ${clock(s.end, 1)}`;
      const answered = state.spans.filter((k) => k.answer).length;
      spanText.textContent = `Does music of the soundtrack play here? ${s.answer ? `Answered: ${s.answer}.` : ""} ${answered} of ${state.spans.length} answered.`;
      spanYes.setAttribute("aria-pressed", s.answer === "music");
      spanNo.setAttribute("aria-pressed", s.answer === "no music");
      return;
    }
    if (!q) {
      cueNumber.textContent = cues.length ? "" : "No cue was stamped in this film; + marks one at the play head.";
      cueName.textContent = cueTimes.textContent = "";
      return;
    }
    cueNumber.textContent = `Cue ${cues.indexOf(q) + 1} of ${cues.length}`;
    cueName.textContent = q.track;
    cueTimes.textContent = `${clock(q.start, 2)} – ${clock(q.end, 2)} · ${(q.end - q.start).toFixed(1)} s${certainty(q) && ` · ${certainty(q)}`}${Math.abs(q.speed - 1) > 0.0005 ? ` · speed ${q.speed.toFixed(3)}` : ""}`;
    cueBadge.textContent = `${VERDICTS[q.verdict]?.mark ?? ""} ${VERDICTS[q.verdict]?.name ?? q.verdict}`.trim();
    cueBadge.dataset.verdict = q.verdict;
    if (![...relabel.options].some((o) => o.value === q.track)) relabel.append(h("option", { value: q.track, text: q.track }));
    relabel.value = q.track;
    usage.value = q.usage ?? "";
    if (document.activeElement !== note) note.value = q.note ?? "";
  }

  function drawCues() {
    cueList.replaceChildren(
      ...cues.map((q, i) =>
        h(
          "div",
          {
            role: "option",
            id: `${view}-cue-${i}`,
            "aria-selected": q.id === selected,
            "aria-label": `Cue ${i + 1}, ${q.track}, ${clock(q.start)} to ${clock(q.end)}, ${VERDICTS[q.verdict]?.name ?? q.verdict}`,
            class: "fl-item",
            "data-verdict": q.verdict,
            onclick: () => select(q.id),
          },
          h("i", { style: `background:${color(q.track)}` }),
          h("bdi", { class: "fl-item-name", text: q.track, title: q.track }),
          h("span", { class: "fl-item-time", text: clock(q.start) }),
          h("span", { class: "fl-item-mark", text: VERDICTS[q.verdict]?.mark ?? "" }),
        ),
      ),
    );
    const at = cues.findIndex((q) => q.id === selected);
    if (at >= 0) {
      cueList.setAttribute("aria-activedescendant", `${view}-cue-${at}`);
      const item = cueList.children[at];
      if (item.offsetTop < cueList.scrollTop || item.offsetTop + item.offsetHeight > cueList.scrollTop + cueList.clientHeight)
        cueList.scrollTop = item.offsetTop - cueList.clientHeight / 2;
    }
  }

  function drawLibrary() {
    if (!library) return;
    const kinds = [["films", "Films", library.films], ["least_certain", "Least certain", library.least_certain]];
    if (library.transplanted) kinds.push(["transplanted", "Transplanted", library.transplanted]);
    tabs.replaceChildren(
      ...kinds.map(([key, text, rows]) =>
        button(`${text}: ${rows.length}`, text, () => { listed = key; drawLibrary(); }, { role: "tab", "aria-selected": key === listed, "aria-pressed": key === listed }),
      ),
    );
    const rows = search(searchBox.value, kinds.find((k) => k[0] === listed)[2], ["film_id", "title", "track", "year", "genre"]);
    const percent = (v) => (v == null ? "not stamped" : `${Math.round(100 * v)} %`);
    const cells = {
      films: (f) => [f.title, f.year ?? "", `music ${percent(f.coverage)}`, `${f.judged} of ${f.cues} judged${f.complete ? " · complete" : ""}${f.problem ? " · verdicts cannot be read" : ""}`],
      least_certain: (q) => [q.track, q.title, clock(q.start), certainty(q)],
      transplanted: (q) => [q.track, q.title, clock(q.start), `${q.genre} ${q.probability.toFixed(2)}`],
    };
    list.dataset.kind = listed;
    list.replaceChildren(
      ...rows.map((row) =>
        h(
          "button",
          { type: "button", class: "fl-entry", "aria-current": listed === "films" && row.film_id === film?.id, onclick: () => openFilm(row.film_id, row.start), title: row.problem ?? "" },
          ...cells[listed](row).map((text) => h("bdi", { text })),
        ),
      ),
    );
    if (!rows.length) list.append(h("p", { class: "fl-about", text: "nothing of that name" }));
  }

  function toggleLibrary() {
    shelf.hidden = !shelf.hidden;
    filmsButton.setAttribute("aria-expanded", !shelf.hidden);
  }

  function drawAll() {
    if (!film || gone) return;
    const n = state.numbers;
    const judged = cues.filter((q) => q.verdict).length;
    progress.textContent = `${judged} of ${cues.length} judged`;
    complete.checked = Boolean(state.complete);
    const share = (v) => v.toFixed(2).replace(/^0/, "");
    const words = [];
    if (n.precision != null) words.push(`precision of judged cues ${share(n.precision)}`);
    if (n.recall != null) words.push(`recall ${share(n.recall)} (${share(n.recall_low)}–${share(n.recall_high)}, ${n.answered} span${n.answered === 1 ? "" : "s"})`);
    measures.textContent = words.join(" · ");
    drawLegend();
    drawCard();
    drawCues();
    drawTransport();
    drawTimeline();
  }

  // --- pointer and keys --------------------------------------------------------------------------------------------
  timelineBox.addEventListener("pointerdown", (event) => {
    if (!film) return;
    const box = timelineBox.getBoundingClientRect();
    const at = (e) => secondsAt(e.clientX - box.left - GUTTER, { start: 0, end: film.duration }, box.width - GUTTER - 8);
    const time = Math.min(film.duration, Math.max(0, at(event)));
    const hit = cues.find((q) => time >= q.start && time < q.end);
    if (hit && !spanMode) select(hit.id);
    go(time);
  });

  cueBox.addEventListener("pointerdown", (event) => {
    if (!film) return;
    const box = cueBox.getBoundingClientRect();
    const px = event.clientX - box.left;
    const q = spanMode ? null : cue();
    const near = q && ["start", "end"].map((e) => [Math.abs(pixelAt(q[e], shown, box.width) - px), e]).sort((a, b) => a[0] - b[0])[0];
    if (near && near[0] < EDGE_PX) {
      drag = { edge: near[1], to: q[near[1]] };
      setEdge(near[1]);
      cueBox.setPointerCapture(event.pointerId);
    } else go(secondsAt(px, shown, box.width));
  });
  cueBox.addEventListener("pointermove", (event) => {
    const box = cueBox.getBoundingClientRect();
    const q = spanMode ? null : cue();
    const px = event.clientX - box.left;
    cueBox.style.cursor = q && ["start", "end"].some((e) => Math.abs(pixelAt(q[e], shown, box.width) - px) < EDGE_PX) ? "ew-resize" : "text";
    if (!drag || !q) return;
    drag.to = movedEdge(q, drag.edge, secondsAt(px, shown, box.width) - q[drag.edge], film.duration);
    drawCue();
  });
  cueBox.addEventListener("pointerup", async () => {
    if (!drag) return;
    const held = drag;
    if (cue() && Math.abs(held.to - cue()[held.edge]) > 0.002) await act("move", { cue: selected, edge: held.edge, to: held.to });
    drag = null;
    drawCue();
  });

  function go(time) {
    const playing = player.playing;
    player.seek(Math.min(film.duration, Math.max(0, time)));
    if (playing) player.play();
    else player.prepare();
    if (time < shown.start || time > shown.end) {
      const half = (shown.end - shown.start) / 2;
      shown = { start: Math.max(0, time - half), end: Math.max(0, time - half) + 2 * half };
    }
    drawTransport();
  }

  const actions = {
    play: () => player.toggle(),
    seek: ({ by }) => go(player.time + by),
    zoom: ({ by }) => zoom(by),
    side: ({ side }) => player.hear(side),
    step: ({ by }) => step(by),
    nudge: ({ by }) => nudge(by),
    edge: () => setEdge(edge === "start" ? "end" : "start"),
    judge: ({ verdict }) => judge(verdict),
    undo: () => act("undo"),
    relabel: () => relabel.focus(),
    add: () => addCue(),
    loop: () => setLoop(!player.loop),
    spectrogram: () => setSpectral(!spectral),
    help: () => toggleHelp(),
    escape: () => (help.hidden ? focusRoot() : toggleHelp(false)),
  };

  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey === false && event.metaKey === false) event.stopPropagation();
    const action = keyAction({ key: event.key, shiftKey: event.shiftKey, ctrlKey: event.ctrlKey, metaKey: event.metaKey, altKey: event.altKey, altGraph: event.getModifierState?.("AltGraph") ?? false });
    if (!action || !film) return;
    const typing = event.target.closest("input, select, textarea");
    if (typing && typing.type !== "checkbox" && action.do !== "escape") return;
    if (event.target.closest("button, input") && event.key === " ") return; // the button's own
    if (!help.hidden && !["help", "escape"].includes(action.do)) return;
    event.preventDefault();
    actions[action.do](action);
  });
  // A click leaves the keys with the page, so that Space plays and does not press the button again.
  root.addEventListener("click", (event) => {
    if (event.detail > 0 && event.target.closest("button") && help.hidden) focusRoot();
  });

  let frame = 0;
  const tick = () => {
    if (gone) return;
    if (film && player.playing) {
      player.advance();
      if (player.time > shown.end - 0.02 * (shown.end - shown.start) && player.time < film.duration) {
        const length = shown.end - shown.start;
        const start = Math.min(player.time - 0.05 * length, Math.max(0, film.duration - length));
        if (start > shown.start) {
          shown = { start, end: start + length };
          drawCue();
        }
      }
      drawHeads();
    }
    if (film && film.pictures && !document.hidden) askPicture(player.time);
    frame = requestAnimationFrame(tick);
  };
  frame = requestAnimationFrame(tick);

  const sized = new ResizeObserver(() => {
    drawTimeline();
    drawCue();
  });
  sized.observe(timelineBox);
  sized.observe(cueBox);
  const themed = new MutationObserver(() => setTimeout(() => { drawTimeline(); drawCue(); }, 100));
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "data-theme"] });

  act("open").then((done) => {
    if (!done || gone) return;
    takeFilm(done.content);
    if (!done.content.picks) return;
    filmsButton.hidden = shelf.hidden = false;
    list.append(h("p", { class: "fl-about", text: "reading the corpus …" }));
    askLibrary();
  });

  return {
    dispose() {
      gone = true;
      cancelAnimationFrame(frame);
      sized.disconnect();
      themed.disconnect();
      model.off("msg:custom", onMessage);
      player.dispose();
      root.remove();
    },
  };
}

const FORMAT_NAMES = { "cue-sheet": "Cue sheet (CSV)", audacity: "Audacity labels", jams: "JAMS", otio: "OpenTimelineIO", webvtt: "WebVTT" };

function rounded(pen, x, y, width, height, radius) {
  pen.beginPath();
  pen.roundRect(x, y, width, height, Math.min(radius, Math.abs(width) / 2));
}

// Lowest and highest sample per pixel of peaks that span from..to, as bars about a middle line.
function bars(pen, values, from, to, view, left, width, middle, half) {
  const count = values.length / 2;
  const full = Math.max(16, loudest(values)); // a quiet film is seen too, silence stays a line
  for (let px = 0; px < width; px++) {
    const a = secondsAt(px, view, width);
    const b = secondsAt(px + 1, view, width);
    if (b < from || a > to) continue;
    let i = Math.max(0, Math.floor(((a - from) / (to - from)) * count));
    const last = Math.min(count, Math.max(i + 1, Math.ceil(((b - from) / (to - from)) * count)));
    let [low, high] = [0, 0];
    for (; i < last; i++) {
      low = Math.min(low, values[2 * i]);
      high = Math.max(high, values[2 * i + 1]);
    }
    const top = middle - (high / full) * half;
    pen.fillRect(left + px, top, 1, Math.max(1, middle - (low / full) * half - top));
  }
}

export function loudest(values) {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}

// Black over violet and orange to pale yellow.
function heat(v) {
  const stops = [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]];
  const at = Math.min(0.9999, Math.max(0, v)) * (stops.length - 1);
  const k = Math.floor(at);
  return stops[k].map((s, i) => s + (at - k) * (stops[k + 1][i] - s));
}

// One audio element with film and track as four channels; which is heard is a matter of gains, so that the place is
// never lost. Pieces are loaded as they are needed, the next one before the present one ends.
function makePlayer({ audio, load, cue, range, duration, changed, failed }) {
  const pieces = new Map();
  let graph = null;
  let piece = null; // what the element holds
  let time = 0;
  let turn = 0; // a newer wish overtakes an older one that still loads
  const player = { playing: false, side: "A", loop: false, rate: 1 };

  const keyOf = (p) => `${p.cue ?? ""}|${p.start.toFixed(3)}|${p.end.toFixed(3)}`;
  const fetched = (p) => {
    const key = keyOf(p);
    if (!pieces.has(key)) {
      const loading = load(p);
      loading.catch(() => pieces.delete(key));
      pieces.set(key, loading);
      if (pieces.size > 16) drop(pieces.keys().next().value);
    }
    return pieces.get(key);
  };
  const drop = (key) => {
    pieces.get(key)?.then((p) => p !== piece && URL.revokeObjectURL(p.url)).catch(() => {});
    pieces.delete(key);
  };
  const now = () => (piece && player.playing && !audio.seeking ? Math.min(piece.end, piece.start + audio.currentTime) : time);

  function connect() {
    if (graph) return graph;
    const context = new AudioContext();
    const split = context.createChannelSplitter(4);
    const merge = context.createChannelMerger(2);
    context.createMediaElementSource(audio).connect(split);
    const gains = [0, 1, 2, 3].map((channel) => {
      const gain = context.createGain();
      split.connect(gain, channel);
      gain.connect(merge, 0, channel % 2);
      return gain;
    });
    merge.connect(context.destination);
    graph = { context, gains };
    balance(0);
    return graph;
  }

  function balance(seconds = 0.012) {
    if (!graph) return;
    const choice = chooseSide(player.side, player.side, piece ? piece.track : true);
    graph.gains.forEach((gain, channel) => {
      gain.gain.cancelScheduledValues(graph.context.currentTime);
      gain.gain.setTargetAtTime(channel < 2 ? choice.film : choice.track, graph.context.currentTime, seconds / 3 + 1e-4);
    });
  }

  async function hold(at, wish) {
    const next = await fetched(pieceAt(at, cue(), duration()));
    if (wish !== turn) return false;
    if (piece !== next) {
      piece = next;
      audio.src = next.url;
      await new Promise((resolve, reject) => {
        audio.addEventListener("loadedmetadata", resolve, { once: true });
        audio.addEventListener("error", () => reject(new Error("this browser cannot play Opus in WebM")), { once: true });
      });
      if (wish !== turn) return false;
    }
    audio.currentTime = Math.max(0, at - next.start);
    audio.playbackRate = player.rate;
    return true;
  }

  player.play = async () => {
    const wish = ++turn;
    const limits = range();
    if (time >= duration() - 0.05) time = limits?.start ?? 0;
    player.playing = false;
    try {
      connect();
      const at = time;
      if (!(await hold(at, wish))) return;
      balance(0);
      if (graph.context.state === "suspended") await graph.context.resume();
      await audio.play();
      if (wish === turn) player.playing = true;
    } catch (error) {
      if (wish === turn && error.name !== "AbortError") failed(error.message);
    }
    changed();
  };

  player.pause = () => {
    time = now();
    turn++;
    player.playing = false;
    audio.pause();
    changed();
  };

  player.toggle = () => (player.playing ? player.pause() : player.play());
  player.seek = (to) => {
    time = to;
    turn++;
    player.playing = false;
    audio.pause();
  };
  player.prepare = (next) => {
    const piece = next ? pieceAt(next.start, next, duration()) : pieceAt(time, cue(), duration());
    fetched(piece).catch(() => {});
  };
  player.hear = (side) => {
    player.side = side;
    balance();
    changed();
  };
  player.setRate = (rate) => {
    player.rate = rate;
    audio.playbackRate = rate;
  };
  player.forget = () => {
    for (const key of [...pieces.keys()]) drop(key);
    if (player.playing) player.pause();
    piece = null;
  };
  player.stop = () => {
    if (player.playing) player.pause();
    player.forget();
    time = 0;
  };

  // Called while playing: loops, loads ahead, goes on to the next piece, stops at the end.
  player.advance = () => {
    time = now();
    const limits = range();
    if (player.loop && limits && (time >= limits.end || time < limits.start - LEAD - 0.1)) {
      time = limits.start;
      audio.currentTime = 0; // the element must not run on into what follows
      audio.pause();
      player.play();
    } else if (audio.ended || time >= piece.end - 0.01) {
      time = piece.end;
      if (time >= duration() - 0.05) player.pause();
      else player.play();
    } else if (piece.end - time < 5 && piece.end < duration() - 0.05) {
      fetched(pieceAt(piece.end + 0.001, cue(), duration())).catch(() => {});
    }
  };
  // A hidden tab draws nothing, and plays on.
  audio.addEventListener("ended", () => player.playing && player.advance());
  player.dispose = () => {
    audio.pause();
    for (const key of [...pieces.keys()]) drop(key);
    if (piece) URL.revokeObjectURL(piece.url);
    graph?.context.close();
  };
  Object.defineProperty(player, "time", { get: now });
  return player;
}
