// Colours that can be told from their ground. Pure.

export function channels(color) {
  const hex = color.trim().replace(/^#/, "");
  const full = hex.length === 3 ? [...hex].map((c) => c + c).join("") : hex;
  return [0, 2, 4].map((i) => parseInt(full.slice(i, i + 2), 16));
}

function luminance(color) {
  const [r, g, b] = channels(color).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast of two colours as WCAG 2 defines it, 1 to 21. */
export function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** Black or white, whichever is read more easily on a colour. */
export function inkOn(color) {
  return contrast(color, "#ffffff") >= contrast(color, "#000000") ? "#ffffff" : "#000000";
}

/** A colour, moved towards white or black until it stands out from the ground; dark grey does not vanish in the dark. */
export function standingOut(color, ground, least = 3) {
  const far = inkOn(ground) === "#ffffff" ? 255 : 0;
  for (let share = 0; share <= 1; share += 0.05) {
    const mixed = channels(color).map((v) => Math.round(v + share * (far - v)));
    const hex = `#${mixed.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
    if (contrast(hex, ground) >= least) return hex;
  }
  return far ? "#ffffff" : "#000000";
}

/** Black over violet and orange to pale yellow. */
export function heat(v) {
  const stops = [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]];
  const at = Math.min(0.9999, Math.max(0, v)) * (stops.length - 1);
  const k = Math.floor(at);
  return stops[k].map((s, i) => s + (at - k) * (stops[k + 1][i] - s));
}
