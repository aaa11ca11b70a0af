// The queue: cues of all films in the order in which they are to be heard. Pure; the side panel shows it.
import { search } from "./state.mjs";

export const ORDERS = {
  film: "film by film",
  certain: "least certain first",
  transplanted: "most transplanted first",
  given: "as handed in",
};
export const SHOWN = { open: "not judged", all: "all cues", unmatched: "unmatched music", disputed: "disagreements", given: "handed in" };
const FIELDS = ["title", "film_id", "track", "name", "genres", "usage", "origin", "diegesis", "function", "number"];
const BREAK_MS = 180_000; // a longer pause is no work

/** How sure the stamper is of a cue: a probability, of an engine without one its score; in words. */
export function certainty(row) {
  if (row.probability != null) return `probability ${row.probability.toFixed(2)}`;
  return row.score == null ? "" : `score ${Math.round(row.score)}`;
}

const sure = (row) => row.probability ?? row.score;

/** Rows in an order; what has no value for it comes last, and equals stay as they were (by film and start). */
export function ordered(rows, order) {
  const keys = {
    film: () => [0],
    certain: (r) => [r.probability ?? Infinity, r.score ?? Infinity],
    transplanted: (r) => [-(r.excess ?? -Infinity)],
    given: (r) => [r.given ?? Infinity],
  }[order];
  const compared = (a, b) => {
    const [x, y] = [keys(a), keys(b)];
    for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return x[i] < y[i] ? -1 : 1;
    return 0;
  };
  return [...rows].sort(compared);
}

/** Rows that a filter keeps: which (see SHOWN), words, and the least and greatest probability or score. */
export function kept(rows, { which = "open", words = "", low = null, high = null }) {
  const listed = (r) => r.span !== "detected"; // what a detector proposes is no cue that waits for a verdict
  const found = rows.filter(
    (r) =>
      ({ open: !r.verdict && listed(r), all: listed(r), unmatched: r.unmatched, disputed: r.disputed, given: r.given != null }[which] &&
      (low == null || (sure(r) != null && sure(r) >= low)) &&
      (high == null || (sure(r) != null && sure(r) <= high))),
  );
  return search(words, found, FIELDS);
}

const same = (a, b) => a.film_id === b.film_id && a.id === b.id;

/** The next row that is kept after the present one in the order of all, from the start again when none follows. */
export function nextOf(all, keptRows, current, by = 1) {
  const at = all.findIndex((r) => same(r, current));
  const here = new Set(keptRows.filter((r) => !same(r, current)).map((r) => `${r.film_id}|${r.id}`));
  for (let k = 1; k <= all.length; k++) {
    const row = all[(((at < 0 ? -1 : at) + by * k) % all.length + all.length) % all.length];
    if (here.has(`${row.film_id}|${row.id}`)) return row;
  }
  return null;
}

/** The rows with one film's as they stand now; what the library alone knows of a cue is kept. */
export function withFilm(rows, about, cues) {
  const old = new Map(rows.filter((r) => r.film_id === about.film_id).map((r) => [r.id, r]));
  const now = cues.map((c) => ({ ...old.get(c.id), ...about, ...c, unmatched: !c.track }));
  const covered = (row) => cues.some((c) => c.verdict !== "reject" && Math.min(c.end, row.end) - Math.max(c.start, row.start) >= (row.end - row.start) / 2);
  for (const row of old.values()) if (row.span && !covered(row)) now.push(row);
  now.sort((a, b) => a.start - b.start);
  const first = rows.findIndex((r) => r.film_id === about.film_id);
  const others = rows.filter((r) => r.film_id !== about.film_id);
  others.splice(first < 0 ? others.length : first, 0, ...now);
  return others;
}

/** Cues an hour and hours left, from the moments [ms] of this sitting's verdicts; null before there are three. */
export function pace(moments, left) {
  const gaps = moments.slice(1).map((t, i) => t - moments[i]).filter((gap) => gap < BREAK_MS);
  const worked = gaps.reduce((sum, gap) => sum + gap, 0);
  if (gaps.length < 2 || !worked) return null;
  const perHour = gaps.length / (worked / 3_600_000);
  return { perHour, hoursLeft: left / perHour };
}

/** Time left in words. */
export function spoken(hours) {
  const minutes = Math.max(1, Math.round(60 * hours));
  return minutes < 90 ? `${minutes} min` : `${hours < 9.5 ? hours.toFixed(1) : Math.round(hours)} h`;
}
