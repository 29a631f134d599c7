// One cell on the canvas, and the marks that tell its state without colour. The legend draws with the same functions.

import { shade } from "./colours.js";
import { ANSWERED } from "./layout.js";

const REFUSED = 2;
const UNANSWERED = 4;
export const OUTLINED_FROM = 6;
export const MARKED_FROM = 9;

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {Pick<import("./layout.js").Cell, "value" | "states" | "status">} Look
 *
 * What a mark says, when it is drawn, and how.
 * @typedef {object} Mark
 * @property {string} words
 * @property {(cell: Look) => boolean} test
 * @property {Look} sample for the legend
 * @property {(context: CanvasRenderingContext2D, box: Box, palette: import("./theme.js").Palette) => void} draw
 */

/** @type {Mark[]} */
export const MARKS = [
  {
    words: "refused",
    test: (cell) => !(cell.states & ANSWERED) && Boolean(cell.states & REFUSED),
    sample: { value: 0, states: REFUSED, status: 0 },
    draw: drawCross,
  },
  {
    words: "unanswered",
    test: (cell) => cell.states === UNANSWERED,
    sample: { value: 0, states: UNANSWERED, status: 0 },
    draw: drawRing,
  },
  {
    words: "answered, but some ports refused or unanswered",
    test: (cell) => Boolean(cell.states & ANSWERED) && cell.states !== ANSWERED,
    sample: { value: 1, states: ANSWERED | REFUSED, status: 0 },
    draw: drawCutCorner,
  },
];

/**
 * Draw a cell: filled where something answered, hollow where nothing did.
 * @param {CanvasRenderingContext2D} context
 * @param {Box} box
 * @param {Look} cell
 * @param {{palette: import("./theme.js").Palette, scale: import("./colours.js").Scale}} look
 */
export function drawCell(context, box, cell, { palette, scale }) {
  const size = Math.min(box.width, box.height);
  const outlined = size >= OUTLINED_FROM;
  const inner = inset(box, size > 7 ? 0.5 : 0.25);
  context.fillStyle = fill(cell, outlined, palette, scale);
  context.fillRect(inner.x, inner.y, inner.width, inner.height);
  if (outlined) {
    context.strokeStyle = palette.tokens.edge;
    context.lineWidth = 1;
    context.strokeRect(inner.x + 0.5, inner.y + 0.5, inner.width - 1, inner.height - 1);
  }
  if (size >= MARKED_FROM) {
    for (const mark of MARKS) {
      if (mark.test(cell)) {
        mark.draw(context, inner, palette);
      }
    }
  }
}

/**
 * @param {Look} cell
 * @param {boolean} outlined
 * @param {import("./theme.js").Palette} palette
 * @param {import("./colours.js").Scale} scale
 */
function fill(cell, outlined, palette, scale) {
  if (!(cell.states & ANSWERED)) {
    return outlined ? palette.tokens.bg : palette.tokens.silent;
  }
  return (outlined ? palette.outlined : palette.bare).css[shade(scale, cell.value)];
}

/**
 * @param {Box} box
 * @param {number} by
 * @returns {Box}
 */
function inset(box, by) {
  return { x: box.x + by, y: box.y + by, width: box.width - 2 * by, height: box.height - 2 * by };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Box} box
 * @param {import("./theme.js").Palette} palette
 */
function drawCross(context, box, palette) {
  const [x, y, reach] = middle(box, 0.22);
  context.strokeStyle = palette.tokens.fg;
  context.lineWidth = reach > 3.5 ? 1.75 : 1.25;
  context.beginPath();
  context.moveTo(x - reach, y - reach);
  context.lineTo(x + reach, y + reach);
  context.moveTo(x - reach, y + reach);
  context.lineTo(x + reach, y - reach);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Box} box
 * @param {import("./theme.js").Palette} palette
 */
function drawRing(context, box, palette) {
  const [x, y, reach] = middle(box, 0.21);
  context.strokeStyle = palette.tokens.fg;
  context.lineWidth = reach > 3.5 ? 1.5 : 1.1;
  context.beginPath();
  context.arc(x, y, reach, 0, 2 * Math.PI);
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Box} box
 * @param {import("./theme.js").Palette} palette
 */
function drawCutCorner(context, box, palette) {
  const side = Math.min(box.width, box.height) * 0.42;
  const [left, bottom] = [box.x, box.y + box.height];
  context.fillStyle = palette.tokens.bg;
  context.beginPath();
  context.moveTo(left - 0.5, bottom + 0.5);
  context.lineTo(left - 0.5, bottom - side);
  context.lineTo(left + side, bottom + 0.5);
  context.closePath();
  context.fill();
  context.strokeStyle = palette.tokens.edge;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(left + 0.5, bottom - side);
  context.lineTo(left + side, bottom - 0.5);
  context.stroke();
}

/**
 * The middle of a box, and a part of its shorter side.
 * @param {Box} box
 * @param {number} part
 */
function middle(box, part) {
  return [box.x + box.width / 2, box.y + box.height / 2, Math.min(box.width, box.height) * part];
}
