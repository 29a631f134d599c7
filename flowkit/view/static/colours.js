// The colour of a value: ColorBrewer's YlGnBu, light to dark on light pages and the other way round on dark ones.
// Orange stays free for marks.

const YLGNBU = [
  [8, 29, 88],
  [37, 52, 148],
  [34, 94, 168],
  [29, 145, 192],
  [65, 182, 196],
  [127, 205, 187],
  [199, 233, 180],
  [220, 241, 178],
  [237, 248, 177],
  [255, 255, 217],
];
export const SHADES = 256;
// Where the ramp starts and ends for the smallest and the largest value. A bare cell has no outline, so that its palest
// colour alone must stand out from an empty cell by 2:1; colours.test.js holds it to that.
const SPANS = {
  light: { outlined: [0.92, 0], bare: [0.46, 0] },
  dark: { outlined: [0.14, 0.85], bare: [0.22, 0.85] },
};

/**
 * All shades of one theme.
 * @param {"light" | "dark"} theme
 * @param {"outlined" | "bare"} cells
 * @returns {number[][]} 256 times red, green, blue
 */
export function ramp(theme, cells) {
  const [from, to] = SPANS[theme][cells];
  return Array.from({ length: SHADES }, (_, i) => between(from + ((to - from) * i) / (SHADES - 1)));
}

/** @param {number} at 0 to 1 along the whole of YlGnBu */
function between(at) {
  const place = at * (YLGNBU.length - 1);
  const left = Math.min(YLGNBU.length - 2, Math.floor(place));
  return YLGNBU[left].map((value, i) => Math.round(value + (YLGNBU[left + 1][i] - value) * (place - left)));
}

/** @param {number[]} rgb */
export function rgbText([red, green, blue]) {
  return `rgb(${red},${green},${blue})`;
}

/**
 * The scale of a set of values: logarithmic, inverted where the rare are to stand out.
 * @typedef {{low: number, high: number, inverted: boolean}} Scale
 * @param {Scale} scale
 * @param {number} value
 * @returns {number} a shade, 0 to 255
 */
export function shade(scale, value) {
  const [low, high] = [Math.log10(Math.max(1, scale.low)), Math.log10(Math.max(1, scale.high))];
  const part = high > low ? (Math.log10(Math.max(1, value)) - low) / (high - low) : 0.6;
  const inside = Math.min(1, Math.max(0, part));
  return Math.round((SHADES - 1) * (scale.inverted ? 1 - inside : inside));
}

/**
 * Contrast of two colours as WCAG counts it.
 * @param {number[]} one
 * @param {number[]} other
 */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** @param {number[]} rgb */
function luminance(rgb) {
  const [red, green, blue] = rgb.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
