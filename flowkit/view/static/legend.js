// The legend under the matrix: the scale with its ends in units, and every mark that is in use, drawn as in the matrix.

import { rgbText } from "./colours.js";
import { el } from "./dom.js";
import { amountText } from "./format.js";
import { MARKED_FROM, MARKS, OUTLINED_FROM, drawCell, isHollow, plain } from "./marks.js";
import { columnOf } from "./model.js";

const SWATCH = 16;
const STOPS = 8;

/**
 * @param {import("./matrix.js").MatrixCanvas} matrix
 * @returns {Node[]}
 */
export function legendParts(matrix) {
  const { layout, palette, view } = matrix;
  if (!palette || !layout.cells.length) {
    return [];
  }
  const cell = Math.min(view.kx, view.ky);
  const marks = cell >= MARKED_FROM ? MARKS.filter((mark) => layout.cells.some(mark.test)) : [];
  const silent = cell < MARKED_FROM && layout.cells.some(isHollow);
  const answered = !layout.cells.every(isHollow);
  return [
    ...(answered ? [scaleLine(matrix, cell < OUTLINED_FROM ? palette.bare : palette.outlined)] : []),
    ...marks.map((mark) => key(matrix, SWATCH, mark.sample, mark.words)),
    ...(silent ? [key(matrix, cell, plain({ states: 0 }), "nothing answered (zoom in for more)")] : []),
  ];
}

/**
 * @param {import("./matrix.js").MatrixCanvas} matrix
 * @param {{rgb: number[][]}} shades
 */
function scaleLine({ layout, options }, shades) {
  const column = columnOf(options.measure);
  const { low, high, inverted } = layout.scale;
  const [start, end] = (inverted ? [high, low] : [low, high]).map((value) => amountText(value, column));
  if (low === high) {
    return el("span", { class: "fk-scale" }, `all ${start}`);
  }
  const words = inverted ? "the rarest stand out, log scale" : `${options.measure}, log scale`;
  const remark = el("span", { class: "fk-muted" }, words);
  return el("span", { class: "fk-scale" }, el("span", {}, start), gradient(shades.rgb), el("span", {}, end), remark);
}

/** @param {number[][]} rgb */
function gradient(rgb) {
  const bar = el("span", { class: "fk-gradient", role: "img", "aria-label": "colour scale" });
  const stops = Array.from({ length: STOPS }, (_, i) => rgbText(rgb[Math.round((i * (rgb.length - 1)) / (STOPS - 1))]));
  bar.style.background = `linear-gradient(90deg,${stops.join(",")})`;
  return bar;
}

/**
 * A sample cell and its meaning.
 * @param {import("./matrix.js").MatrixCanvas} matrix
 * @param {number} cell size it is drawn as
 * @param {import("./marks.js").Look} sample
 * @param {string} words
 */
function key({ palette, scale }, cell, sample, words) {
  const canvas = el("canvas", {
    class: "fk-swatch",
    width: SWATCH * scale,
    height: SWATCH * scale,
    "aria-hidden": "true",
  });
  const context = canvas.getContext("2d");
  const size = Math.min(SWATCH, Math.max(3, cell));
  context.scale((SWATCH * scale) / size, (SWATCH * scale) / size);
  const look = { palette, scale: { low: 1, high: 1, inverted: false } };
  drawCell(context, { x: 0, y: 0, width: size, height: size }, sample, look);
  return el("span", { class: "fk-key" }, canvas, words);
}
