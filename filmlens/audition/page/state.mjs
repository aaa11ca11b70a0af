// What is selected, heard and judged, and what a search finds. Pure.

export const VERDICTS = {
  "": { mark: "", name: "not judged" },
  accept: { mark: "✓", name: "accepted" },
  corrected: { mark: "✎", name: "corrected" },
  added: { mark: "+", name: "added" },
  reject: { mark: "✕", name: "rejected" },
};

/** A cue's music in a word: its track, or the free name of music that is on no track. */
export function nameOf(cue) {
  return cue.track || cue.name || "no track";
}

/** Where the segments of a cue meet: the film was cut inside its track. */
export function seamsOf(cue) {
  return (cue.segments ?? []).slice(1).map(([start]) => start);
}

/** The cue that is heard at a time: the selected one while the head is in it, else the one that began last. */
export function heardAt(cues, selected, time, slack = 0.021) {
  const held = cues.find((c) => c.id === selected);
  if (held && time >= held.start - slack && time <= held.end + slack) return held;
  const inside = cues.filter((c) => time >= c.start && time < c.end);
  const kept = inside.filter((c) => c.verdict !== "reject");
  return (kept.length ? kept : inside).reduce((last, c) => (!last || c.start >= last.start ? c : last), null);
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

/** A text without case and accents, so that etretat finds Étretat. */
export function folded(text) {
  return String(text ?? "").normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Rows that hold every word in one of the fields. */
export function search(text, rows, fields) {
  const words = folded(text).split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const all = folded(fields.map((f) => row[f] ?? "").join(" "));
    return words.every((w) => all.includes(w));
  });
}
