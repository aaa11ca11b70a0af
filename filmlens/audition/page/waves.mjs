// The cue in view: film and track one above the other, edges that can be dragged, spans that can be drawn.
import { bars, inks, rounded, surface } from "./canvas.mjs";
import { heat, inkOn, standingOut } from "./color.mjs";
import { bytesOf, h } from "./dom.mjs";
import { movedEdge, seamsOf } from "./state.mjs";
import { clock, cueView, pixelAt, secondsAt, ticks } from "./time.mjs";

const LEAST_LANE = 82;
const EDGE_PX = 7; // how near the pointer must be to take hold of an edge
const TILE_S = 8; // seconds of a spectrogram's tile
const SHORT_S = 0.1; // a shorter span that was drawn is a click

export function makeWaves(bench) {
  const canvas = h("canvas", { class: "fl-canvas" });
  const head = h("div", { class: "fl-head" });
  const box = h("div", { class: "fl-waves", role: "img", "aria-label": "Film and track at the cue" }, canvas, head);
  let waves = new Map();
  let tiles = new Map();
  let around = null; // the film's waveform where the view goes beyond the cue
  let aroundBusy = false;
  let lane = LEAST_LANE;
  let drag = null; // an edge or a span that is being drawn

  const range = () => (bench.spanMode ? bench.state.spans[bench.span] : bench.cue());
  const nameOfRange = () => (bench.spanMode ? `span ${range()?.start}` : bench.selected);
  const samples = (buffer) => new Int8Array(bytesOf(buffer).slice().buffer);

  async function askWave(q = bench.cue()) {
    const wanted = bench.spanMode ? range() : q;
    const key = bench.spanMode ? nameOfRange() : q?.id;
    if (!wanted || waves.has(key)) return;
    if (!bench.spanMode && q.track && q.track_start == null) bench.askPlace(q);
    waves.set(key, null);
    const wide = cueView(wanted, bench.film.duration);
    const pad = 2 * (wanted.start - wide.start);
    const stretch = { start: Math.max(0, wide.start - pad), end: Math.min(bench.film.duration, wide.end + pad) };
    const done = await bench.act("waveform", { cue: bench.spanMode ? null : key, ...stretch });
    if (!done) return waves.delete(key);
    const [film, track] = done.buffers.map(samples);
    waves.set(key, { start: done.content.start, end: done.content.end, film, track });
    draw();
    const next = bench.spanMode ? null : bench.upcoming();
    if (next && key === bench.selected) {
      askWave(next); // it will be looked at soon
      bench.player.prepare(next);
    }
  }

  // What lies beyond the cue's own waveform comes from the film's, coarser.
  async function askAround() {
    const { shown, film, grown } = bench;
    const covers = around && around.start <= shown.start + 1e-6 && around.end >= Math.min(shown.end, film.duration) - 1e-6;
    const fine = covers && around.end - around.start <= 4 * (shown.end - shown.start);
    if (aroundBusy || fine || !grown.seconds) return;
    aroundBusy = true;
    const length = shown.end - shown.start;
    const done = await bench.act("peaks", { start: Math.max(0, shown.start - length / 2), end: shown.end + length / 2, count: 3200 });
    aroundBusy = false;
    if (!done || !done.content.count) return;
    const { rate, start, count } = done.content;
    around = { start, end: start + count / rate, values: samples(done.buffers[0]) };
    draw();
  }

  async function askTile(source, number) {
    const key = `${source === "track" ? bench.selected : ""}|${number}`;
    if (tiles.has(key)) return;
    tiles.set(key, null);
    const done = await bench.act("spectrogram", { cue: bench.selected, source, tile: number });
    if (!done) return;
    const { columns, rows } = done.content;
    const values = bytesOf(done.buffers[0]);
    const image = new ImageData(columns, rows);
    for (let i = 0; i < values.length; i++) image.data.set([...heat(values[i] / 255), 255], 4 * i);
    const painted = document.createElement("canvas");
    [painted.width, painted.height] = [columns, rows];
    painted.getContext("2d").putImageData(image, 0, 0);
    tiles.set(key, painted);
    if (tiles.size > 240) tiles.delete(tiles.keys().next().value);
    draw();
  }

  function paintTiles(pen, source, at, width, x) {
    const { shown, film } = bench;
    pen.fillStyle = "#000";
    pen.fillRect(0, at, width, lane);
    pen.save();
    pen.beginPath();
    pen.rect(0, at, width, lane);
    pen.clip();
    for (let k = Math.max(0, Math.floor(shown.start / TILE_S)); k * TILE_S < Math.min(shown.end, film.duration); k++) {
      const tile = tiles.get(`${source === "track" ? bench.selected : ""}|${k}`);
      if (tile) pen.drawImage(tile, x(k * TILE_S), at, x((k + 1) * TILE_S) - x(k * TILE_S) + 0.5, lane);
      else if (tile === undefined) askTile(source, k);
    }
    pen.restore();
  }

  function draw() {
    const { film, shown } = bench;
    if (!film) return;
    const c = inks(bench.root);
    // the bench alone gives what height is left to the waveforms
    lane = bench.alone ? Math.min(190, Math.max(LEAST_LANE, (window.innerHeight - 640) / 2)) : LEAST_LANE;
    const { pen, width } = surface(canvas, 2 * lane + 34);
    const q = bench.spanMode ? null : bench.cue();
    const x = (t) => pixelAt(t, shown, width);
    pen.font = c.font;
    const tint = (from, to, color) => {
      pen.fillStyle = color;
      pen.globalAlpha = 0.13;
      pen.fillRect(x(from), 20, x(to) - x(from), 2 * lane + 12);
      pen.globalAlpha = 1;
    };
    if (!bench.spectral) {
      for (const other of bench.spanMode ? [] : bench.cues) {
        if (other !== q && other.verdict !== "reject" && other.end > shown.start && other.start < shown.end) tint(other.start, other.end, bench.color(other.track));
      }
      if (range()) tint(range().start, range().end, q ? bench.color(q.track) : c.accent);
    }
    for (const t of ticks(shown, width, 90).times) {
      pen.fillStyle = c.line;
      pen.fillRect(Math.round(x(t)), 16, 1, 2 * lane + 18);
      pen.fillStyle = c.quiet;
      pen.textAlign = "center";
      pen.fillText(clock(t, shown.end - shown.start < 4 ? 1 : 0), Math.min(width - 18, Math.max(16, x(t))), 7);
    }
    const data = waves.get(nameOfRange());
    const beyond = !data || shown.start < data.start - 1e-6 || Math.min(shown.end, film.duration) > data.end + 1e-6;
    if (beyond) askAround();
    const drawLane = (name, at, source) => {
      const loud = bench.heard() === name[0];
      const values = data?.[source];
      pen.globalAlpha = loud ? 1 : 0.6;
      if (bench.spectral && (source === "film" || q?.track_start != null)) paintTiles(pen, source, at, width, x);
      else {
        pen.fillStyle = source === "track" && q ? standingOut(bench.color(q.track), c.ground) : c.wave;
        if (values) bars(pen, values, data.start, data.end, shown, 0, width, at + lane / 2, lane / 2 - 3);
        if (source === "film" && beyond && around) {
          const outside = (t) => !values || t < data.start || t > data.end;
          bars(pen, around.values, around.start, around.end, shown, 0, width, at + lane / 2, lane / 2 - 3, outside);
        }
        if (!values && !(source === "film" && around)) {
          pen.globalAlpha = 1;
          pen.fillStyle = c.quiet;
          pen.textAlign = "center";
          const why = bench.spanMode ? "listen to the film alone" : !q ? "" : !q.track ? "no track: heard in the film alone" : q.track_start == null ? "where the cue lies in this track is not known" : "…";
          pen.fillText(source === "film" ? "…" : why, width / 2, at + lane / 2);
        }
      }
      pen.globalAlpha = 1;
      const size = pen.measureText(name).width + 10;
      pen.fillStyle = loud ? c.accent : c.ground;
      rounded(pen, 4, at + 4, size, 16, 8);
      pen.fill();
      pen.fillStyle = loud ? inkOn(c.accent) : c.ink;
      pen.textAlign = "left";
      pen.fillText(name, 9, at + 12.5);
    };
    drawLane("A  Film", 22, "film");
    drawLane("B  Track", 22 + lane + 6, "track");
    pen.fillStyle = c.line;
    pen.fillRect(0, 22 + lane + 3, width, 1);
    if (bench.drawn || drag?.from != null) {
      const { start, end } = drag?.from != null ? spanOf(drag) : bench.drawn;
      pen.strokeStyle = c.accent;
      pen.lineWidth = 2;
      pen.strokeRect(x(start), 21, x(end) - x(start), 2 * lane + 10);
    }
    if (q) {
      pen.fillStyle = bench.spectral ? "#ffffff" : c.ink;
      pen.globalAlpha = 0.6;
      for (const t of seamsOf(q)) pen.fillRect(x(t), 20, 1, 2 * lane + 12);
      pen.globalAlpha = 1;
      for (const name of ["start", "end"]) {
        const at = x(drag?.edge === name ? drag.to : q[name]);
        const held = bench.edge === name;
        pen.fillStyle = held ? c.accent : bench.spectral ? "#ffffff" : c.ink;
        pen.fillRect(at - (held ? 1.5 : 0.75), 16, held ? 3 : 1.5, 2 * lane + 18);
        rounded(pen, at - 5, 14, 10, 10, 3);
        pen.fill();
      }
    }
    drawHead();
  }

  function drawHead() {
    const at = pixelAt(bench.player.time, bench.shown, box.clientWidth);
    head.style.transform = `translateX(${at}px)`;
    head.hidden = at < -2 || at > box.clientWidth + 2;
  }

  const spanOf = ({ from, to }) => ({ start: Math.max(0, Math.min(from, to)), end: Math.min(bench.film.duration, Math.max(from, to)) });
  const place = (event) => event.clientX - box.getBoundingClientRect().left;
  const nearEdge = (px) => {
    const q = bench.spanMode ? null : bench.cue();
    const near = ["start", "end"].filter((e) => q && Math.abs(pixelAt(q[e], bench.shown, box.clientWidth) - px) < EDGE_PX);
    return near.length > 1 ? bench.edge : near[0];
  };

  box.addEventListener("pointerdown", (event) => {
    if (!bench.film) return;
    const edge = nearEdge(place(event));
    const time = secondsAt(place(event), bench.shown, box.clientWidth);
    if (event.shiftKey) drag = { from: time, to: time };
    else if (edge) {
      drag = { edge, to: bench.cue()[edge], cue: bench.selected };
      bench.setEdge(edge);
    } else return bench.go(time);
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    const time = bench.film && secondsAt(place(event), bench.shown, box.clientWidth);
    box.style.cursor = event.shiftKey ? "crosshair" : nearEdge(place(event)) ? "ew-resize" : "text";
    if (!drag) return;
    const q = bench.cue();
    if (drag.edge && q) drag.to = movedEdge(q, drag.edge, time - q[drag.edge], bench.film.duration);
    else drag.to = time;
    draw();
  });
  box.addEventListener("pointerup", async () => {
    if (!drag) return;
    const held = drag;
    drag = null;
    const q = bench.cue();
    if (held.edge) {
      if (q?.id === held.cue && Math.abs(held.to - q[held.edge]) > 0.002) await bench.setEdgeTo(held.edge, held.to);
    } else {
      const drawn = spanOf(held);
      bench.drawn = drawn.end - drawn.start >= SHORT_S ? drawn : null;
      if (bench.drawn) bench.add();
    }
    draw();
  });
  box.addEventListener("pointercancel", () => {
    drag = null;
    draw();
  });

  return {
    box,
    draw,
    drawHead,
    askWave,
    /** Another film: nothing of the old one is kept. */
    empty() {
      [waves, tiles, around, drag] = [new Map(), new Map(), null, null];
    },
    /** A cue that plays elsewhere in its track, or another track. */
    forget(id) {
      waves.delete(id);
      for (const key of [...tiles.keys()]) if (key.startsWith(`${id}|`)) tiles.delete(key);
    },
    grew() {
      if (around && around.end < Math.min(bench.shown.end, bench.grown.seconds) - 0.5) around = null;
      draw();
    },
  };
}
