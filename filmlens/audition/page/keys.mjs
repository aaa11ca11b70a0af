// The keys: one table, from which both what a key does and the help are made. Pure.

const by = (name, step) => ({ do: name, by: step });

/** group, show (as the help writes the keys), help, and what each key does: alone (on), with Shift, with Ctrl or Cmd. */
export const KEYS = [
  { group: "Playing", show: "Space", help: "play or pause; at the cue's end once more", on: { " ": { do: "play" } } },
  {
    group: "Playing", show: "← →", help: "one second back or on (with Shift five)",
    on: { ArrowLeft: by("seek", -1), ArrowRight: by("seek", 1) },
    shift: { ArrowLeft: by("seek", -5), ArrowRight: by("seek", 5) },
  },
  {
    group: "Playing", show: "Home  End", help: "to the cue's start or end",
    on: { Home: { do: "goEdge", edge: "start" }, End: { do: "goEdge", edge: "end" } },
  },
  {
    group: "Playing", show: "1  2", help: "hear the cue's first or last second",
    on: { 1: { do: "hearEdge", edge: "start" }, 2: { do: "hearEdge", edge: "end" } },
  },
  { group: "Playing", show: "G", help: "go to a time", on: { g: { do: "goTo" } } },
  {
    group: "Playing", show: "A  B", help: "hear the film, or the track, at the same moment",
    on: { a: { do: "side", side: "A" }, b: { do: "side", side: "B" } },
  },
  { group: "Playing", show: "L", help: "at the cue's end: stop, loop or go on", on: { l: { do: "atEnd" } } },
  {
    group: "Playing", show: "↑ ↓", help: "zoom in or out at the play head",
    on: { ArrowUp: by("zoom", 2), ArrowDown: by("zoom", 0.5) },
  },
  { group: "Playing", show: "S", help: "waveform or spectrogram", on: { s: { do: "spectrogram" } } },

  { group: "Judging", show: "Y", help: "accept, and on to the next of the queue", on: { y: { do: "judge", verdict: "accept" } } },
  {
    group: "Judging", show: "N  Del", help: "reject, and on to the next of the queue",
    on: { n: { do: "judge", verdict: "reject" }, Delete: { do: "judge", verdict: "reject" } },
  },
  { group: "Judging", show: "U  Ctrl+Z", help: "undo, step by step, in whatever film it was", on: { u: { do: "undo" } }, ctrl: { z: { do: "undo" } } },
  { group: "Judging", show: "*", help: "accept all cues above a score, after its precision was stated", on: { "*": { do: "bulk" } } },

  { group: "Going on", show: "J  K", help: "next or previous cue of the film", on: { j: by("step", 1), k: by("step", -1) } },
  { group: "Going on", show: "Q", help: "next cue of the queue that is not judged", on: { q: { do: "nextOpen" } } },
  {
    group: "Going on", show: "PgDn  PgUp", help: "next or previous film",
    on: { PageDown: by("stepFilm", 1), PageUp: by("stepFilm", -1) },
  },
  { group: "Going on", show: "Backspace", help: "back to where you were", on: { Backspace: { do: "back" } } },
  { group: "Going on", show: "/", help: "search", on: { "/": { do: "search" } } },

  { group: "Edges", show: "I  O", help: "start or end at the play head", on: { i: { do: "edgeHere", edge: "start" }, o: { do: "edgeHere", edge: "end" } } },
  { group: "Edges", show: "E", help: "take the other edge in hand: start or end", on: { e: { do: "edge" } } },
  {
    group: "Edges", show: "[  ]", help: "that edge 0.05 s earlier or later (with Shift 0.5 s); also , and .",
    on: {
      "[": by("nudge", -0.05), "]": by("nudge", 0.05), ",": by("nudge", -0.05), ".": by("nudge", 0.05),
      "{": by("nudge", -0.5), "}": by("nudge", 0.5), "<": by("nudge", -0.5), ">": by("nudge", 0.5),
      ";": by("nudge", -0.5), ":": by("nudge", 0.5),
    },
    shift: { "[": by("nudge", -0.5), "]": by("nudge", 0.5) },
  },
  { group: "Edges", show: "T", help: "type that edge's time: 1:02.35, or +3.2 from where it is", on: { t: { do: "typeEdge" } } },
  { group: "Edges", show: "P", help: "edges snap: not, to the nearest onset, to the nearest silence", on: { p: { do: "snap" } } },

  { group: "Cues", show: "R", help: "choose the track; → hears a candidate, Enter takes it, Esc leaves all as it was", on: { r: { do: "relabel" } } },
  { group: "Cues", show: "+", help: "new cue at the play head, or of the span that was drawn with Shift and the mouse", on: { "+": { do: "add" }, "=": { do: "add" } } },
  { group: "Cues", show: "X  M  D", help: "split at the play head, merge with the next, duplicate", on: { x: { do: "split" }, m: { do: "merge" }, d: { do: "duplicate" } } },
  {
    group: "Cues", show: "W  V  F", help: "origin, diegesis, functions",
    on: { w: { do: "field", field: "origin" }, v: { do: "field", field: "diegesis" }, f: { do: "field", field: "function" } },
  },
  { group: "Cues", show: "C  H", help: "cue number; a hit point at the play head", on: { c: { do: "number" }, h: { do: "hit" } } },
  { group: "Cues", show: "Enter", help: "the note; Enter keeps it, Esc leaves it as it was", on: { Enter: { do: "note" } } },

  { group: "Annotators", show: "Z", help: "next cue on which annotators differ", on: { z: { do: "nextDisputed" } } },
  {
    group: "Annotators", show: "3 … 9", help: "decide as the first, second … annotator has it, and on to the next disagreement",
    on: Object.fromEntries([3, 4, 5, 6, 7, 8, 9].map((digit) => [digit, { do: "take", number: digit - 3 }])),
  },
  { group: "Annotators", show: "0", help: "take over all that annotators agree on, after it was counted", on: { 0: { do: "agreed" } } },

  { group: "Help", show: "?", help: "this help; Esc closes it", on: { "?": { do: "help" }, Escape: { do: "escape" } } },
];

const TABLES = Object.fromEntries(["on", "shift", "ctrl"].map((how) => [how, Object.assign({}, ...KEYS.map((row) => row[how] ?? {}))]));

/** What a key does; null for keys that do nothing here. AltGr is how some keyboards write [ and ]. */
export function keyAction({ key, shiftKey = false, ctrlKey = false, metaKey = false, altKey = false, altGraph = false }) {
  const name = key.length === 1 ? key.toLowerCase() : key;
  const commanded = (ctrlKey || metaKey) && !altGraph;
  if (commanded) return altKey || shiftKey ? null : TABLES.ctrl[name] ?? null;
  if (altKey && !altGraph) return null;
  return (shiftKey && TABLES.shift[name]) || (TABLES.on[name] ?? null);
}

/** The help: groups of [keys, what they do], in the table's order. */
export function helpGroups(rows = KEYS) {
  const groups = new Map();
  for (const { group, show, help } of rows) groups.set(group, [...(groups.get(group) ?? []), [show, help]]);
  return [...groups];
}
