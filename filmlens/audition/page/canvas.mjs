// Drawing on a canvas: its size, the theme's colours, bars of a waveform.
import { secondsAt } from "./time.mjs";

/** The colours of the page as they are now. */
export function inks(root) {
  const style = getComputedStyle(root);
  const names = ["ink", "quiet", "line", "ground", "accent", "wave", "good", "bad"];
  return { ...Object.fromEntries(names.map((n) => [n, style.getPropertyValue(`--fl-${n}`).trim()])), font: "11px " + style.fontFamily };
}

export function surface(canvas, height) {
  const width = Math.max(50, canvas.parentElement.clientWidth);
  const scale = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.textBaseline = "middle";
  pen.lineWidth = 1;
  return { pen, width };
}

export function rounded(pen, x, y, width, height, radius) {
  pen.beginPath();
  pen.roundRect(x, y, width, height, Math.min(radius, Math.abs(width) / 2));
}

export function loudest(values) {
  let most = 0;
  for (const v of values) most = Math.max(most, Math.abs(v));
  return most;
}

/** Lowest and highest sample per pixel of peaks that span from..to, as bars about a middle line; `only` limits time. */
export function bars(pen, values, from, to, view, left, width, middle, half, only = () => true) {
  const count = values.length / 2;
  const full = Math.max(16, loudest(values)); // a quiet film is seen too, silence stays a line
  for (let px = 0; px < width; px++) {
    const a = secondsAt(px, view, width);
    const b = secondsAt(px + 1, view, width);
    if (b < from || a > to || !only(a)) continue;
    let i = Math.max(0, Math.floor(((a - from) / (to - from)) * count));
    const last = Math.min(count, Math.max(i + 1, Math.ceil(((b - from) / (to - from)) * count)));
    let [low, high] = [0, 0];
    for (; i < last; i++) {
      low = Math.min(low, values[2 * i]);
      high = Math.max(high, values[2 * i + 1]);
    }
    const top = middle - (high / full) * half;
    pen.fillRect(left + px, top, 1, Math.max(1, middle - (low / full) * half - top));
  }
}
