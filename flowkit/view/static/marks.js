// One cell on the canvas, and the marks that tell its state without colour. The legend draws with the same functions.

import { shade } from "./colours.js";
import { ANSWERED } from "./layout.js";
import { DENIED } from "./model.js";

const REFUSED = 2;
const UNANSWERED = 4;
const [ADDED, GONE, CHANGED] = [2, 4, 8]; // bits of a cell's changes; 1 is the same
const UNSELECTED = 2;
const UNDECIDED = 3;
export const OUTLINED_FROM = 6;
export const MARKED_FROM = 9;

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {Pick<import("./layout.js").Cell, "value" | "states" | "status" | "changes">} Look
 *
 * What a mark says, when it is drawn, and how.
 * @typedef {object} Mark
 * @property {string} words
 * @property {(cell: Look) => boolean} test
 * @property {Look} sample for the legend
 * @property {(context: CanvasRenderingContext2D, box: Box, palette: import("./theme.js").Palette) => void} draw
 */

/** In the order in which they are drawn: what became of the traffic stays legible on what policies say. @type {Mark[]} */
export const MARKS = [
  {
    words: "no policy selects the server",
    test: (cell) => cell.status === UNSELECTED,
    sample: plain({ status: UNSELECTED }),
    draw: (context, box, palette) => drawCorner(context, box, palette, "fill"),
  },
  {
    words: "policies leave it undecided",
    test: (cell) => cell.status === UNDECIDED,
    sample: plain({ status: UNDECIDED }),
    draw: (context, box, palette) => drawCorner(context, box, palette, "stroke"),
  },
  {
    words: "would be denied",
    test: (cell) => cell.status === DENIED,
    sample: plain({ status: DENIED }),
    draw: drawStroke,
  },
  {
    words: "refused",
    test: (cell) => !(cell.states & ANSWERED) && Boolean(cell.states & REFUSED),
    sample: plain({ value: 0, states: REFUSED }),
    draw: drawCross,
  },
  {
    words: "unanswered",
    test: (cell) => cell.states === UNANSWERED,
    sample: plain({ value: 0, states: UNANSWERED }),
    draw: drawRing,
  },
  {
    words: "answered, but some ports refused or unanswered",
    test: (cell) => Boolean(cell.states & ANSWERED) && cell.states !== ANSWERED,
    sample: plain({ states: ANSWERED | REFUSED }),
    draw: drawCutCorner,
  },
  {
    words: "added",
    test: (cell) => cell.changes === ADDED,
    sample: plain({ changes: ADDED }),
    draw: (context, box, palette) => drawSign(context, box, palette, "+"),
  },
  {
    words: "gone",
    test: (cell) => cell.changes === GONE,
    sample: plain({ changes: GONE }),
    draw: (context, box, palette) => drawSign(context, box, palette, "−"),
  },
  {
    words: "changed in part",
    test: (cell) => cell.changes > 1 && cell.changes !== ADDED && cell.changes !== GONE,
    sample: plain({ changes: CHANGED }),
    draw: (context, box, palette) => drawSign(context, box, palette, "±"),
  },
];

/**
 * A cell of which only what is said is special.
 * @param {Partial<Look>} look
 * @returns {Look}
 */
export function plain(look) {
  return { value: 1, states: ANSWERED, status: 0, changes: 0, ...look };
}

/** @param {Look} cell drawn hollow: nothing answered, or it is gone */
export function isHollow({ states, changes }) {
  return !(states & ANSWERED) || changes === GONE;
}

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
    context.strokeStyle = cell.status > 1 ? palette.tokens.warn : palette.tokens.edge;
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
  if (isHollow(cell)) {
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

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Box} box
 * @param {import("./theme.js").Palette} palette
 * @param {"fill" | "stroke"} how
 */
function drawCorner(context, box, { tokens }, how) {
  const side = Math.min(box.width, box.height) * 0.45;
  const right = box.x + box.width;
  context.beginPath();
  context.moveTo(right - side, box.y + 0.5);
  context.lineTo(right - 0.5, box.y + 0.5);
  context.lineTo(right - 0.5, box.y + side);
  context.closePath();
  context.fillStyle = how === "fill" ? tokens.warn : tokens.bg;
  context.fill();
  context.strokeStyle = tokens.warn;
  context.lineWidth = 1.25;
  context.stroke();
}

/**
 * A stroke through the cell, on a ground that sets it off from any shade.
 * @param {CanvasRenderingContext2D} context
 * @param {Box} box
 * @param {import("./theme.js").Palette} palette
 */
function drawStroke(context, box, { tokens }) {
  const size = Math.min(box.width, box.height);
  for (const [colour, width] of [
    [tokens.bg, Math.max(3, size * 0.3)],
    [tokens.warn, Math.max(1.5, size * 0.14)],
  ]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(box.x + 1.5, box.y + box.height - 1.5);
    context.lineTo(box.x + box.width - 1.5, box.y + 1.5);
    context.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Box} box
 * @param {import("./theme.js").Palette} palette
 * @param {string} sign
 */
function drawSign(context, box, { tokens, font }, sign) {
  const [x, y, reach] = middle(box, 0.62);
  context.font = `700 ${Math.max(9, Math.min(17, reach * 1.5))}px ${font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 3;
  context.strokeStyle = tokens.bg;
  context.strokeText(sign, x, y + 0.5);
  context.fillStyle = tokens.fg;
  context.fillText(sign, x, y + 0.5);
}
