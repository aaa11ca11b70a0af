// The recall check: spans outside the cues, each answered with music or none.
import { button, h } from "./dom.mjs";
import { clock } from "./time.mjs";

export function makeRecall(bench) {
  const text = h("p", { class: "fl-question" });
  const box = h(
    "section",
    { class: "fl-spans", hidden: true, "aria-label": "Recall check" },
    text,
    h(
      "div",
      { class: "fl-row" },
      button("Previous span", "‹", () => step(-1)),
      button("Play the span", "▶ Span", () => play()),
      button("Next span", "›", () => step(1)),
      button("Music of the soundtrack plays here", "Music plays", () => answer(true)),
      button("No music of the soundtrack here", "No music", () => answer(false)),
    ),
  );

  function show(number) {
    bench.span = Math.min(bench.state.spans.length - 1, Math.max(0, number));
    const { start, end } = bench.state.spans[bench.span];
    bench.shown = { start: Math.max(0, start - 2.5), end: Math.min(bench.film.duration, end + 2.5) };
    bench.moveTo(start);
    bench.waves.askWave();
    bench.drawAll();
  }

  const step = (by) => show(bench.span + by);

  function play() {
    const { start, end } = bench.state.spans[bench.span];
    bench.player.stretch(start, end);
  }

  async function answer(music) {
    const { start, end } = bench.state.spans[bench.span];
    const done = await bench.act("answer", { start, end, music });
    if (done && bench.span + 1 < bench.state.spans.length) show(bench.span + 1);
    bench.drawAll();
  }

  function draw() {
    box.hidden = !bench.spanMode;
    const s = bench.spanMode ? bench.state.spans[bench.span] : null;
    if (s) text.textContent = `Span ${bench.span + 1} of ${bench.state.spans.length}, ${clock(s.start)} – ${clock(s.end)}: does music of the soundtrack play here?${s.answer ? ` Answered: ${s.answer}.` : ""} (Y music, N none)`;
  }

  return { box, show, step, answer, draw };
}
