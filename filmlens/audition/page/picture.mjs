// The picture at the play head: moving where its pieces are there, still until then. It is silent and follows the
// sound, which keeps the time.
import { bytesOf, h } from "./dom.mjs";

const AROUND_S = 10; // before and after a cue
const REST_MS = 300; // who races through the queue has no piece made
const FAR_S = 0.08; // two pictures: beyond that it jumps, within it runs a little faster or slower
const NEAR_S = 0.015;
const TRIES = 3;
const LAST_S = 0.25; // how long the last picture of a piece may stand: at most its own time and a little
const TYPE = 'video/webm; codecs="vp8"';

/** Numbers of the pieces around a cue, in the order in which they are wanted: from the head on, then those before. */
export function piecesAround(time, cue, duration, seconds) {
  const last = Math.max(0, Math.ceil(duration / seconds - 1e-9) - 1);
  const number = (t) => Math.min(last, Math.max(0, Math.floor(t / seconds)));
  const here = number(time);
  const inside = cue && time >= cue.start - AROUND_S && time <= cue.end + AROUND_S;
  const [first, end] = inside ? [number(cue.start - AROUND_S), number(cue.end + AROUND_S)] : [here, Math.min(last, here + 1)];
  const run = (from, to) => Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
  return [...run(here, end), ...run(first, here - 1).reverse()];
}

/** Whether ranges [[start, end], ...] hold a stretch; a picture's length may be missing at its end. */
export function holds(ranges, start, end) {
  return ranges.some(([a, b]) => a <= start + 1e-3 && b >= end - 1e-3);
}

/** What brings a picture that is `off` seconds ahead of the sound back: a jump, or a speed. */
export function following(off, playing) {
  if (!playing) return { jump: Math.abs(off) > 1e-3, speed: 1 };
  if (Math.abs(off) > FAR_S) return { jump: true, speed: 1 };
  return { jump: false, speed: Math.abs(off) > NEAR_S ? 1 - Math.sign(off) * Math.min(0.1, Math.abs(off)) : 1 };
}

export function makePicture(bench, { stillAt, pieceAt }) {
  const label = "Picture at the play head";
  const still = h("img", { class: "fl-picture", alt: label, hidden: true });
  const moving = h("video", { class: "fl-picture", "aria-label": label, muted: true, playsinline: true, disablepictureinpicture: true, tabindex: -1, hidden: true });
  moving.muted = true; // the attribute alone does not silence an element that is made by script
  const none = h("div", { class: "fl-picture fl-no-picture", text: "no picture" });
  const box = h("div", { class: "fl-pictures" }, still, moving, none);
  let source = null; // of the film's pieces, as they come
  let track = null;
  let adding = Promise.resolve();
  let asked = new Map(); // pieces under way
  let tries = new Map();
  let rested = { key: null, since: 0 };
  let stillBusy = false;
  let stillKey = null;

  function stop() {
    moving.pause();
    moving.hidden = true;
    if (moving.src) URL.revokeObjectURL(moving.src);
    moving.removeAttribute("src");
    [source, track] = [null, null];
  }

  /** Another film. */
  function open() {
    stop();
    [asked, tries, stillKey] = [new Map(), new Map(), null];
    still.hidden = true;
    none.hidden = false;
    none.textContent = bench.film.pictures ? "" : "no picture";
    if (!bench.film.pictures || typeof MediaSource === "undefined" || !MediaSource.isTypeSupported(TYPE)) return;
    const opened = new MediaSource();
    const { duration } = bench.film;
    source = opened;
    moving.src = URL.createObjectURL(opened);
    adding = new Promise((resolve) => {
      opened.addEventListener("sourceopen", () => {
        track = opened.addSourceBuffer(TYPE);
        opened.duration = duration;
        resolve();
      }, { once: true });
    });
  }
  moving.addEventListener("error", () => moving.src && stop());

  const ranges = () => (track ? Array.from({ length: track.buffered.length }, (_, i) => [track.buffered.start(i), track.buffered.end(i)]) : []);
  const endOf = (number) => Math.min((number + 1) * bench.piece, bench.film.duration);
  const isThere = (held, number) => holds(held, number * bench.piece, endOf(number) - 0.3);

  async function add(at, bytes) {
    const [held, buffer] = [source, track];
    const done = (work) => new Promise((resolve, reject) => {
      buffer.addEventListener("updateend", resolve, { once: true });
      buffer.addEventListener("error", () => reject(new Error("this browser cannot play the piece")), { once: true });
      work();
    });
    buffer.timestampOffset = at;
    // what reached into the piece behind it, if only by a guessed length of the last picture, would take from that all
    // that is decoded with its first one
    buffer.appendWindowEnd = Infinity;
    buffer.appendWindowStart = at;
    buffer.appendWindowEnd = at + bench.piece;
    try {
      await done(() => buffer.appendBuffer(bytes));
    } catch (error) {
      if (error.name !== "QuotaExceededError" || held !== source) throw error;
      const head = bench.player.time; // what lies behind or far ahead makes room
      if (head > 40) await done(() => buffer.remove(0, head - 40));
      await done(() => buffer.remove(head + 60, Infinity));
      await done(() => buffer.appendBuffer(bytes));
    }
  }

  async function askPiece(number) {
    const mine = source;
    asked.set(number, mine);
    tries.set(number, (tries.get(number) ?? 0) + 1);
    try {
      const { content, buffers } = await pieceAt(number);
      if (content.late) tries.set(number, tries.get(number) - 1);
      else if (mine === source) await (adding = adding.then(() => mine === source && add(content.start, bytesOf(buffers[0]))));
    } catch {
      if (mine === source) stop(); // it was told; stills go on
    }
    if (mine === source) asked.delete(number);
  }

  function want(held, time) {
    const cue = bench.spanMode ? null : bench.cue();
    const numbers = piecesAround(time, cue, bench.film.duration, bench.piece);
    const key = `${cue?.id}|${numbers[0]}`;
    if (rested.key !== key && !(bench.player.playing && isThere(held, numbers[0]))) rested = { key, since: performance.now() };
    if (performance.now() - rested.since < REST_MS) return;
    const next = numbers.find((n) => !isThere(held, n) && (tries.get(n) ?? 0) < TRIES);
    // one piece at a time, but the one under the head does not wait for one ahead
    if (next !== undefined && !asked.has(next) && (asked.size === 0 || (next === numbers[0] && asked.size < 3))) askPiece(next);
  }

  async function askStill(time) {
    const key = Math.round(time * 3);
    if (stillBusy || key === stillKey) return;
    stillBusy = true;
    stillKey = key;
    const { film } = bench;
    const bytes = await stillAt(time);
    stillBusy = false;
    if (film !== bench.film) return;
    const old = still.src;
    still.hidden = !bytes || !moving.hidden;
    none.hidden = Boolean(bytes) || !moving.hidden;
    if (bytes) still.src = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    if (bytes && old.startsWith("blob:")) URL.revokeObjectURL(old);
  }

  /** Called at every picture of the screen. */
  function follow() {
    const { player, film } = bench;
    if (!film?.pictures) return;
    const { time, playing } = player;
    const held = ranges();
    if (source) want(held, time);
    const upTo = Math.min(time + 0.001, film.duration - 0.3);
    const there = source !== null && [0, LAST_S].some((back) => holds(held, time - back, upTo - back));
    if (there) {
      const { jump, speed } = following(moving.currentTime - time, playing);
      if (jump && !moving.seeking) moving.currentTime = time;
      const rate = player.rate * speed;
      if (playing && moving.playbackRate !== rate) moving.playbackRate = rate;
    }
    if (there && playing && moving.paused) moving.play().catch(() => {});
    else if (!(there && playing) && !moving.paused) moving.pause();
    const shown = there && (moving.readyState >= 2 || (moving.seeking && !moving.hidden));
    moving.hidden = !shown;
    if (shown) still.hidden = none.hidden = true;
    else {
      if (still.hidden && none.hidden) stillKey = null; // what stands there is of another place
      askStill(time);
    }
  }

  return {
    box,
    open,
    follow,
    dispose() {
      stop();
      if (still.src) URL.revokeObjectURL(still.src);
    },
  };
}
