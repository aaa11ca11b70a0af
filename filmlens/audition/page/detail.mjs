// The card of the cue in view: what it is, what was judged of it, its fields, and the buttons that judge.
import { button, h, toolbar } from "./dom.mjs";
import { VERDICTS, nameOf } from "./state.mjs";
import { clock } from "./time.mjs";

const CHOSEN = { origin: "Origin", diegesis: "Diegesis", function: "Functions" };
const TYPED = { number: "Number", segue: "Segue to", in_on: "In on", out_on: "Out on", hits: "Hit points", note: "Note" };

export function makeDetail(bench) {
  const count = h("span", { class: "fl-about" });
  const name = h("span", { class: "fl-cue-name", dir: "auto" });
  const badge = h("span", { class: "fl-badge" });
  const outside = h("span", { class: "fl-badge", text: "the play head is outside", hidden: true });
  const times = h("span", { class: "fl-times" });
  const line = h("div", { class: "fl-cue-line" }, count, name, badge, outside, times);

  const press = (pressed, ...of) => button(...of, { "aria-pressed": String(pressed) });
  const start = press(true, "Take the start in hand", "Start", () => bench.setEdge("start"));
  const end = press(false, "Take the end in hand", "End", () => bench.setEdge("end"));
  const snap = button("Snapping of edges: off", "Snap off", () => bench.actions.snap());
  const undo = button("Undo", "Undo", () => bench.act("undo"));
  const onCue = [
    button("Accept cue", "✓ Accept", () => bench.judge("accept"), { class: "fl-good" }),
    button("Reject cue", "✕ Reject", () => bench.judge("reject"), { class: "fl-bad" }),
    start,
    end,
    button("Edge earlier", "◂", () => bench.nudge(-0.05)),
    button("Edge later", "▸", () => bench.nudge(0.05)),
    button("Edge at the play head", "Here", () => bench.edgeHere(bench.edge)),
    button("Type the edge's time", "Time…", () => bench.actions.typeEdge()),
    button("Split the cue at the play head", "Split", () => bench.actions.split()),
    button("Merge with the next cue", "Merge", () => bench.actions.merge()),
    button("Duplicate the cue", "Duplicate", () => bench.actions.duplicate()),
  ];
  const group = (...nodes) => h("span", { class: "fl-group" }, ...nodes);
  const judging = toolbar(
    "Judging",
    onCue[0],
    onCue[1],
    undo,
    h("span", { class: "fl-segments", role: "group", "aria-label": "Edge in hand" }, start, end),
    group(...onCue.slice(4, 8)),
    snap,
    group(...onCue.slice(8), button("New cue at the play head", "+ Cue", () => bench.add())),
  );

  const track = button("Track of the cue", "track", () => bench.actions.relabel(), { class: "fl-field" });
  const chosen = Object.entries(CHOSEN).map(([field, text]) => [field, text, button(`${text}: choose`, text, () => bench.actions.field({ field }), { class: "fl-field" })]);
  const fields = toolbar("What the cue is", track, ...chosen.map((c) => c[2]));
  const inputs = Object.fromEntries(Object.entries(TYPED).map(([field, text]) => [field, typed(field, text)]));
  const details = h("div", { class: "fl-details" }, ...Object.values(inputs));

  // A text of the cue: Enter keeps it and gives the keys back, Esc leaves it as it was.
  function typed(field, text) {
    const input = h("input", { type: "text", placeholder: text, "aria-label": text, title: text, dir: "auto", class: `fl-${field}` });
    let about = null; // the cue that it was typed for
    const keep = () => {
      const q = bench.cues.find((c) => c.id === about);
      about = null;
      if (q && input.value.trim() !== (q[field] ?? "")) bench.describe(q.id, { [field]: input.value.trim() });
    };
    input.addEventListener("focus", () => (about = bench.selected));
    input.addEventListener("blur", keep);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        about = null;
        input.value = bench.cue()?.[field] ?? "";
      } else if (event.key === "Enter") keep();
      else return;
      event.preventDefault();
      event.stopPropagation();
      bench.focus();
    });
    return input;
  }

  function draw() {
    const q = bench.spanMode ? null : bench.cue();
    const numbered = bench.cues.findIndex((c) => c.id === bench.selected) + 1;
    count.textContent = q ? `cue ${numbered} of ${bench.cues.length}` : "";
    name.textContent = q ? nameOf(q) : bench.spanMode ? "Recall check" : bench.cues.length ? "no cue is selected" : "no cues: + marks one";
    badge.hidden = !q;
    badge.textContent = q ? VERDICTS[q.verdict].name : "";
    badge.dataset.verdict = q?.verdict ?? "";
    outside.hidden = !q || bench.cueHeard()?.id === q.id;
    const speed = q?.track_start != null && Math.abs(q.speed - 1) > 5e-4 ? ` · speed ${q.speed.toFixed(4)}` : "";
    times.textContent = q ? `${clock(q.start, 2)} – ${clock(q.end, 2)} (${(q.end - q.start).toFixed(2)} s)${q.score != null ? ` · score ${Math.round(q.score)}` : ""}${q.probability != null ? ` · probability ${q.probability.toFixed(2)}` : ""}${speed}` : "";
    for (const control of [...onCue, track, ...chosen.map((c) => c[2]), ...Object.values(inputs)]) control.disabled = !q;
    undo.disabled = !bench.state.can_undo;
    start.setAttribute("aria-pressed", bench.edge === "start");
    end.setAttribute("aria-pressed", bench.edge === "end");
    snap.textContent = `Snap ${bench.snap || "off"}`;
    snap.setAttribute("aria-label", `Snapping of edges: ${bench.snap || "off"}`);
    track.textContent = q ? (q.track ? `track ${q.track}` : `${q.name || "music"} · no track`) : "track";
    for (const [field, text, control] of chosen) control.textContent = q?.[field] ? q[field].replaceAll("|", ", ") : text.toLowerCase();
    for (const [field, input] of Object.entries(inputs)) if (input !== input.getRootNode().activeElement) input.value = q?.[field] ?? "";
  }

  return { line, judging, fields, details, draw, inputs };
}
