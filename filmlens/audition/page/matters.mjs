// What annotators judged, beside each other: rows of the queue, and what a version says. Pure.
import { VERDICTS, nameOf } from "./state.mjs";
import { clock } from "./time.mjs";

/** Rows of the queue in which the cues of one film say how annotators differ; what has no cue yet gets a row. */
export function withMatters(rows, about, matters) {
  const open = matters.filter((m) => m.open);
  const why = new Map(open.map((m) => [m.cue, m.why]));
  const first = rows.findIndex((r) => r.film_id === about.film_id);
  const others = rows.filter((r) => r.film_id !== about.film_id);
  const own = rows.filter((r) => r.film_id === about.film_id && !r.matter).map((r) => ({ ...r, disputed: why.get(r.id) ?? "" }));
  for (const m of open.filter((o) => !o.cue)) {
    own.push({ ...about, id: m.id, track: m.track, name: m.name, start: m.start, end: m.end, verdict: "", matter: true, disputed: m.why });
  }
  own.sort((a, b) => a.start - b.start);
  others.splice(first < 0 ? others.length : first, 0, ...own);
  return others;
}

/** The matter that is in view: the one that was gone to, else the one of the selected cue. */
export function matterInView(matters, chosen, selected) {
  return matters.find((m) => m.id === chosen) ?? matters.find((m) => m.cue && m.cue === selected) ?? null;
}

const STATED = ["origin", "diegesis", "function", "number", "segue", "in_on", "out_on", "hits", "note"];

/** What an annotator's version says: verdict, music, start, end, fields. */
export function saidBy(version) {
  if (version.verdict === undefined) return ["no cue", "", "", "", ""];
  if (!version.verdict) return [VERDICTS[""].name, "", "", "", ""];
  const fields = STATED.map((f) => version[f]).filter(Boolean).join(" · ").replaceAll("|", ", ");
  if (version.verdict === "reject") return [VERDICTS.reject.name, "", "", "", fields];
  const heard = version.heard === "no" ? ", unheard" : "";
  return [VERDICTS[version.verdict].name + heard, nameOf(version), clock(version.start, 2), clock(version.end, 2), fields];
}

/** Which columns of `saidBy` are not the same in all versions. */
export function differing(versions) {
  const said = versions.map(saidBy);
  return (said[0] ?? []).map((_, i) => new Set(said.map((row) => row[i])).size > 1);
}

/** What each annotator has where in the film, for the overview. */
export function lanesOf(matters) {
  const whos = matters[0]?.versions.map((v) => v.who) ?? [];
  return whos.map((who, i) => ({ who, cues: matters.map((m) => m.versions[i]).filter((v) => v.verdict) }));
}
