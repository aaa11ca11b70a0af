// The whole film in one line: sound, cues, annotations, genres, brightness.
import { bars, inks, rounded, surface } from "./canvas.mjs";
import { inkOn, standingOut } from "./color.mjs";
import { h } from "./dom.mjs";
import { lanesOf } from "./matters.mjs";
import { VERDICTS, nameOf, seamsOf } from "./state.mjs";
import { clock, pixelAt, secondsAt, stacked, ticks } from "./time.mjs";

const GUTTER = 74;
const RIGHT = 8;
const ROW = 18;

export function makeOverview(bench) {
  const canvas = h("canvas", { class: "fl-canvas" });
  const head = h("div", { class: "fl-head" });
  const box = h(
    "div",
    { class: "fl-timeline", role: "slider", tabindex: 0, "aria-label": "Place in the film", "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0 },
    canvas,
    head,
  );
  const legend = h("div", { class: "fl-legend", "aria-hidden": "true" });
  const whole = () => ({ start: 0, end: Math.max(bench.film.duration, 0.1) });
  const inner = (width) => width - GUTTER - RIGHT;

  box.addEventListener("pointerdown", (event) => {
    if (!bench.film) return;
    const at = event.clientX - box.getBoundingClientRect().left - GUTTER;
    bench.go(secondsAt(at, whole(), inner(box.clientWidth)));
  });

  function cuesAt(pen, c, x, top, rows) {
    bench.cues.forEach((q, i) => {
      const [from, size] = [x(q.start), Math.max(2, x(q.end) - x(q.start))];
      const at = top + rows[i] * ROW;
      const fill = bench.color(q.track);
      const rejected = q.verdict === "reject";
      pen.globalAlpha = rejected ? 0.25 : 1;
      pen.fillStyle = fill;
      rounded(pen, from, at, size, ROW - 3, 3);
      pen.fill();
      pen.globalAlpha = 1;
      pen.fillStyle = inkOn(fill);
      for (const t of seamsOf(q)) pen.fillRect(x(t), at, 1, ROW - 3);
      if (rejected) {
        pen.fillStyle = c.bad;
        pen.fillRect(from, at + ROW / 2 - 2, size, 1.5);
      }
      const words = `${q.verdict ? `${VERDICTS[q.verdict].mark} ` : ""}${size > 60 && !rejected ? nameOf(q) : ""}`;
      if (words.trim() && size > 13) {
        pen.save();
        pen.beginPath();
        pen.rect(from, at, size - 2, ROW);
        pen.clip();
        pen.fillStyle = rejected ? c.ink : inkOn(fill);
        pen.textAlign = "left";
        pen.fillText(words, from + 4, at + ROW / 2 - 1);
        pen.restore();
      }
      if (q.id === bench.selected) {
        pen.strokeStyle = c.ink;
        pen.lineWidth = 2;
        rounded(pen, from - 1.5, at - 1.5, size + 3, ROW, 4);
        pen.stroke();
        pen.lineWidth = 1;
      }
    });
  }

  function draw() {
    const { film } = bench;
    if (!film) return;
    const c = inks(bench.root);
    const rows = stacked(bench.cues);
    const deep = Math.max(1, ...rows.map((r) => r + 1));
    const has = { notes: film.annotations.length > 0, genre: film.genre_curve, light: film.brightness };
    const [top, wave] = [18, 34];
    const cueTop = top + wave + 6;
    let y = cueTop + deep * ROW + 4;
    const notesAt = y;
    if (has.notes) y += 14;
    const lanes = lanesOf(bench.state.matters ?? []);
    const lanesAt = y;
    y += 14 * lanes.length;
    const genreAt = y;
    if (has.genre) y += 46;
    const lightAt = y;
    if (has.light) y += 16;
    const { pen, width } = surface(canvas, y + 2);
    const x = (t) => GUTTER + pixelAt(t, whole(), inner(width));
    pen.font = c.font;
    const label = (text, at) => {
      pen.fillStyle = c.quiet;
      pen.textAlign = "left";
      pen.fillText(text, 2, at);
    };
    for (const t of ticks(whole(), inner(width)).times) {
      pen.fillStyle = c.line;
      pen.fillRect(Math.round(x(t)), top - 2, 1, y - top + 2);
      pen.fillStyle = c.quiet;
      pen.textAlign = "center";
      if (x(t) < width - 14) pen.fillText(clock(t), x(t), 8);
    }
    const { grown, overview } = bench;
    label(grown.done || !grown.seconds ? "film" : `film ${Math.round((100 * grown.seconds) / film.duration)} %`, top + wave / 2);
    pen.fillStyle = overview ? c.wave : c.line;
    if (overview) {
      bars(pen, overview.values, 0, overview.values.length / 2 / overview.rate, whole(), GUTTER, inner(width), top + wave / 2, wave / 2);
    } else pen.fillRect(GUTTER, top + wave / 2, inner(width), 1);
    label("cues", cueTop + 8);
    cuesAt(pen, c, x, cueTop, rows);
    for (const s of bench.state.spans) {
      if (!bench.spanMode && !s.answer) continue;
      pen.strokeStyle = s.answer === "music" ? c.bad : s.answer ? c.good : c.accent;
      pen.strokeRect(x(s.start), cueTop + 4, Math.max(3, x(s.end) - x(s.start)), 8);
    }
    if (has.notes) {
      label("annotated", notesAt + 5);
      for (const a of film.annotations) {
        pen.fillStyle = bench.color(a.track);
        pen.fillRect(x(a.start), notesAt + 2, Math.max(2, x(a.end) - x(a.start)), 6);
      }
    }
    lanes.forEach((lane, k) => {
      label(lane.who.length > 11 ? `${lane.who.slice(0, 10)}…` : lane.who, lanesAt + 14 * k + 5);
      for (const v of lane.cues) {
        pen.globalAlpha = v.verdict === "reject" ? 0.25 : 1;
        pen.fillStyle = bench.color(v.track);
        pen.fillRect(x(v.start), lanesAt + 14 * k + 2, Math.max(2, x(v.end) - x(v.start)), 6);
      }
      pen.globalAlpha = 1;
    });
    if (has.genre) {
      label("genre", genreAt + 20);
      const high = (p) => genreAt + 38 - 34 * p;
      pen.strokeStyle = c.line;
      pen.strokeRect(GUTTER + 0.5, high(1) + 0.5, inner(width) - 1, 34);
      has.genre.genres.forEach((name, k) => {
        pen.fillStyle = standingOut(has.genre.colors[k], c.ground);
        const thick = film.genres.includes(name) ? 2.5 : 1.25;
        for (const row of has.genre.rows) pen.fillRect(x(row[0]), high(row[2 + k]) - thick / 2, Math.max(2, x(row[1]) - x(row[0])), thick);
      });
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
      pen.strokeRect(GUTTER + 0.5, lightAt - 0.5, inner(width) - 1, 12);
    }
    drawLegend(c);
    drawHead();
  }

  // Tracks are squares, genres are lines: two palettes, two legends.
  function drawLegend(c) {
    const { film, cues } = bench;
    const named = film.tracks.filter((t) => cues.some((q) => q.track === t.name) || film.annotations.some((a) => a.track === t.name));
    const key = (kind, color, text) => h("span", { class: "fl-key" }, h("i", { class: kind, style: `background:${color}` }), h("bdi", { text }));
    const row = (text, ...keys) => (keys.length ? [h("span", { class: "fl-legend-row" }, h("b", { text }), ...keys)] : []);
    const curve = film.genre_curve;
    legend.replaceChildren(
      ...row("Tracks", ...named.slice(0, 12).map((t) => key("fl-swatch", t.color, t.name))),
      ...row("Genres", ...(curve ? curve.genres.map((g, k) => key("fl-line", standingOut(curve.colors[k], c.ground), g)) : [])),
    );
  }

  function drawHead() {
    const time = bench.player.time;
    head.style.transform = `translateX(${GUTTER + pixelAt(time, whole(), inner(box.clientWidth))}px)`;
    box.setAttribute("aria-valuemax", Math.round(bench.film.duration));
    box.setAttribute("aria-valuenow", Math.round(time));
    box.setAttribute("aria-valuetext", clock(time));
  }

  return { box, legend, draw, drawHead };
}
