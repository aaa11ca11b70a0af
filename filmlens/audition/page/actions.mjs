// What the keys and buttons do: judging, edges, fields, going about.
import { nameOf } from "./state.mjs";
import { clock, typedTime, zoomed } from "./time.mjs";
import { AT_END } from "./transport.mjs";

const SNAPS = ["", "onset", "silence"];

export function makeActions(bench) {
  const { act, chooser, complain, detail, drawAll, drawTransport, focus, go, help, moveTo, onward, openFilm, player, recall, say, select, side, step, trail, visit, waves } = bench;

  function judge(verdict) {
    if (bench.spanMode) return recall.answer(verdict === "accept");
    if (bench.versions.held()) return verdict === "reject" ? bench.versions.leaveOut() : say("nothing was judged: decide between the annotators, with their digits");
    const q = bench.cueHeard();
    if (!q) return say("nothing was judged: the play head is in no cue");
    const sent = act("judge", { cue: q.id, verdict });
    sent.then((done) => done ?? act("state"));
    q.verdict = verdict === "reject" || !["corrected", "added"].includes(q.verdict) ? verdict : q.verdict; // until it is told
    side.judged();
    onward();
    return sent;
  }

  function needsCue() {
    const q = bench.spanMode ? null : bench.cue();
    if (!q) say("no cue is selected");
    return q;
  }

  // by, not to: presses that follow each other fast must add up
  function nudge(by) {
    if (needsCue()) return act("move", { cue: bench.selected, edge: bench.edge, by });
  }

  function setEdgeTo(edge, to) {
    return act("move", { cue: bench.selected, edge, to, snap: bench.snap });
  }

  function edgeHere(edge) {
    const q = needsCue();
    if (!q) return;
    setEdge(edge);
    const wrong = edge === "start" ? player.time > q.end - 0.05 : player.time < q.start + 0.05;
    if (wrong) return say(`not moved: the play head is ${edge === "start" ? "behind the cue's end" : "before the cue's start"}`);
    return setEdgeTo(edge, player.time);
  }

  function setEdge(name) {
    bench.edge = name;
    detail.draw();
    waves.draw();
  }

  function describe(id, fields) {
    return act("describe", { cue: id, fields });
  }

  async function chooseMusic(heading, current) {
    const before = { side: player.side, time: player.time };
    const { film, cues } = bench;
    const uses = (name) => cues.filter((q) => q.track === name && q.verdict !== "reject").length;
    const rows = film.tracks.map((t) => ({ value: t.name, text: t.name, color: t.color, about: uses(t.name) ? `${uses(t.name)} here` : "" }));
    const taken = await chooser.choose({
      title: heading, rows, current, free: "music that is on no track",
      hint: "↑ ↓ to a candidate, → hears it, Enter takes it, Esc leaves all as it was",
      hear: (value) => {
        if (typeof value !== "string" || !bench.cue()) return;
        player.candidate = value;
        player.hear("B");
        moveTo(bench.cue().start, true);
      },
    });
    if (player.candidate) {
      player.pause();
      player.candidate = null;
      player.hear(before.side);
      moveTo(before.time, false);
    }
    return taken === null ? null : typeof taken === "string" ? { track: taken } : { track: "", name: taken.name };
  }

  async function add() {
    if (bench.spanMode) toggleSpans(false);
    const span = bench.drawn ?? { start: player.time };
    const music = await chooseMusic("Track of the new cue", bench.cue()?.track ?? bench.film.tracks[0]?.name);
    bench.drawn = null;
    if (music) await act("add", { ...music, ...span });
    drawAll();
  }

  function zoom(factor) {
    bench.shown = zoomed(bench.shown, factor, player.time, bench.film.duration);
    waves.draw();
  }

  function toggleSpans(on = !bench.spanMode) {
    bench.spanMode = on && bench.state.spans.length > 0;
    if (on && !bench.spanMode) complain("there is no room outside the cues to draw spans from");
        if (bench.spanMode) recall.show(Math.max(0, bench.state.spans.findIndex((s) => !s.answer)));
    else if (bench.cue()) select(bench.selected, false);
    drawAll();
  }

  async function bulk() {
    const typed = await chooser.type({
      title: "Accept what is not judged with at least this probability (of an engine without one: score)",
      value: "0.9", hint: "next, its precision so far is stated; nothing is written yet",
      check: (text) => (Number.isFinite(Number(text)) && text.trim() ? "" : "write a number"),
    });
    if (typed === null) return;
    const told = await act("bulk", { least: Number(typed), sure: false });
    if (!told) return;
    const sure = await chooser.choose({
      title: told.content.text, current: false,
      rows: [{ value: false, text: "Leave them" }, { value: true, text: `Accept ${told.content.count} cues, unheard` }],
    });
    if (sure) await act("bulk", { least: Number(typed), sure: true });
    bench.askLibrary();
  }

  const inCue = (what, then) => {
    const q = needsCue();
    if (!q) return;
    if (player.time <= q.start + 0.05 || player.time >= q.end - 0.05) return say(`not ${what}: the play head is not inside the cue`);
    return then(q);
  };
  const actions = {
    play: () => player.toggle(),
    seek: ({ by }) => go(player.time + by),
    goEdge: ({ edge }) => needsCue() && go(bench.cue()[edge]),
    hearEdge: ({ edge }) => {
      const q = needsCue();
      if (!q) return;
      if (edge === "start") player.stretch(q.start, Math.min(q.end, q.start + 1));
      else player.stretch(Math.max(q.start, q.end - 1), q.end);
    },
    goTo: async () => {
      const check = (text) => (typedTime(text, player.time) === null ? "write 1:02.35, 62.35 or +3.2" : "");
      const typed = await chooser.type({ title: "Go to a time", value: clock(player.time, 2), check });
      if (typed !== null) go(typedTime(typed, player.time));
    },
    side: ({ side: wanted }) => player.hear(wanted),
    atEnd: () => {
      const all = Object.keys(AT_END);
      player.atEnd = all[(all.indexOf(player.atEnd) + 1) % all.length];
      drawTransport();
    },
    zoom: ({ by }) => zoom(by),
    spectrogram: () => {
      bench.spectral = !bench.spectral;
      drawTransport();
    },
    judge: ({ verdict }) => judge(verdict),
    undo: () => act("undo"),
    bulk,
    nextDisputed: () => bench.versions.onward(),
    take: ({ number }) => bench.versions.take(number),
    agreed: () => bench.versions.agreed(),
    step: ({ by }) => step(by),
    nextOpen: () => onward({ open: true }),
    stepFilm: ({ by }) => {
      const film_id = side.film(by);
      if (film_id) return openFilm(film_id);
      say(by > 0 ? "this is the last film" : "this is the first film");
    },
    toggleSpans,
    back: () => {
      const last = trail.pop();
      if (last) return visit(last, false);
      say("you have been nowhere else");
    },
    search: () => side.words.focus(),
    edge: () => setEdge(bench.edge === "start" ? "end" : "start"),
    edgeHere: ({ edge }) => edgeHere(edge),
    nudge: ({ by }) => nudge(by),
    typeEdge: async () => {
      const q = needsCue();
      if (!q) return;
      const { edge } = bench;
      const check = (text) => {
        const time = typedTime(text, q[edge]);
        if (time === null) return "write 1:02.35, 62.35, or +3.2 from where it is";
        return edge === "start" ? (time < q.end - 0.05 ? "" : "that is behind the cue's end") : time > q.start + 0.05 ? "" : "that is before the cue's start";
      };
      const typed = await chooser.type({ title: `Time of the cue's ${edge}`, value: clock(q[edge], 3), hint: "1:02.35, 62.35, or +3.2 and -0.5 from where it is", check });
      if (typed !== null) await act("move", { cue: q.id, edge, to: typedTime(typed, q[edge]) });
    },
    snap: () => {
      bench.snap = SNAPS[(SNAPS.indexOf(bench.snap) + 1) % SNAPS.length];
      detail.draw();
      say(bench.snap ? `edges snap to the nearest ${bench.snap}` : "edges do not snap");
    },
    relabel: async () => {
      const q = needsCue();
      const music = q && (await chooseMusic(`Track of the cue at ${clock(q.start)}`, q.track));
      if (music) await act("relabel", { cue: q.id, ...music });
    },
    add,
    split: () => inCue("split", (q) => act("split", { cue: q.id, at: player.time })),
    merge: () => {
      const q = needsCue();
      const next = q && bench.cues.find((c) => c.start >= q.start && c.id !== q.id && c.verdict !== "reject" && (c.start > q.start || c.end > q.end));
      if (next) return act("merge", { cue: q.id, next: next.id });
      if (q) say("no cue follows to merge with");
    },
    duplicate: () => {
      const q = needsCue();
      if (q) return act("duplicate", { cue: q.id, start: bench.cueHeard()?.id === q.id ? q.end : player.time });
    },
    field: async ({ field }) => {
      const q = needsCue();
      if (!q) return;
      const many = field === "function";
      const rows = bench.fields[field].map((value) => ({ value, text: value }));
      if (!many) rows.unshift({ value: "", text: "not stated" });
      const current = many ? (q[field] || "").split("|").filter(Boolean) : q[field];
      const hint = many ? "Space marks, Enter takes all that are marked" : "";
      const taken = await chooser.choose({ title: `${field} of ${nameOf(q)}`, rows, current, many, hint });
      if (taken !== null) await describe(q.id, { [field]: many ? taken.join("|") : taken });
    },
    number: () => needsCue() && (detail.inputs.number.focus(), detail.inputs.number.select()),
    note: () => needsCue() && detail.inputs.note.focus(),
    hit: async () => {
      const q = needsCue();
      if (!q) return;
      const at = clock(player.time, 2);
      const typed = await chooser.type({ title: `Hit point at ${at}`, value: "", hint: "what happens there" });
      if (typed !== null) await describe(q.id, { hits: [q.hits, `${at} ${typed}`.trim()].filter(Boolean).join("; ") });
    },
    help: () => help.toggle(),
    escape: () => {
      bench.drawn = null;
      focus();
      drawAll();
    },
  };

  Object.assign(bench, { add, describe, edgeHere, judge, nudge, setEdge, setEdgeTo });
  return actions;
}
