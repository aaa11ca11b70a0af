// Times and places: seconds and pixels, clocks, the stretch in view. Pure.

export function secondsAt(px, view, width) {
  return view.start + (px / width) * (view.end - view.start);
}

export function pixelAt(seconds, view, width) {
  return ((seconds - view.start) / (view.end - view.start)) * width;
}

export function clock(seconds, decimals = 0) {
  const unit = 10 ** decimals;
  const ticks = Math.round(Math.max(0, seconds) * unit);
  const whole = Math.floor(ticks / unit);
  const two = (n) => String(n).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const text = hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
  return decimals ? `${text}.${String(ticks % unit).padStart(decimals, "0")}` : text;
}

/** Seconds of what was typed: 62.35, 1:02.35, 0:06,48; +3.2 and -0.5 are from `base`. null for what is no time. */
export function typedTime(text, base) {
  const match = /^\s*([+-]?)(?:(?:(\d+):)?(\d{1,3}):)?(\d*(?:[.,]\d*)?)\s*$/.exec(text);
  if (!match || !/\d/.test(text)) return null;
  const [, sign, hours, minutes, seconds] = match;
  const value = 3600 * Number(hours ?? 0) + 60 * Number(minutes ?? 0) + Number(seconds.replace(",", ".") || 0);
  return sign === "+" ? base + value : sign === "-" ? base - value : value;
}

export function zoomed(view, factor, centre, duration, least = 1) {
  const span = Math.min(duration, Math.max(least, (view.end - view.start) / factor));
  const share = (centre - view.start) / (view.end - view.start);
  const inside = share >= 0 && share <= 1 ? share : 0.5;
  const middle = share >= 0 && share <= 1 ? centre : (view.start + view.end) / 2;
  const start = Math.min(Math.max(0, middle - inside * span), Math.max(0, duration - span));
  return { start, end: start + span };
}

export function cueView(cue, duration) {
  const pad = Math.max(1.5, 0.12 * (cue.end - cue.start));
  return { start: Math.max(0, cue.start - pad), end: Math.min(Math.max(duration, cue.end), cue.end + pad) };
}

export function ticks(view, width, apart = 80) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
  const step = steps.find((s) => (s / (view.end - view.start)) * width >= apart) ?? 7200;
  const found = [];
  for (let k = Math.ceil(view.start / step - 1e-9); k * step <= view.end + 1e-9; k++) found.push(k * step);
  return { step, times: found };
}

/** Rows for blocks that overlap in time, at most `most`. */
export function stacked(blocks, most = 3) {
  const ends = [];
  return blocks.map((b) => {
    let row = ends.findIndex((end) => end <= b.start + 0.05);
    if (row < 0) row = Math.min(ends.length, most - 1);
    ends[row] = Math.max(ends[row] ?? 0, b.end);
    return row;
  });
}
