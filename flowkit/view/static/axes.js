// The names around the matrix: labels of rows and columns, bands of namespaces, the caption in the corner.

import { fitted } from "./format.js";
import { bands } from "./layout.js";
import { BAND, READABLE, covered } from "./viewport.js";

const BAND_SIZE = 11;
const LONG_BAND = 64;
const WIDEST = 230;
const HIGHEST = 210;
/** @type {Map<string, number>} */
const WIDTHS = new Map();

/**
 * @typedef {import("./draw.js").Scene} Scene
 * @typedef {"row" | "column"} Axis
 */

/**
 * The room that the names of both axes need at a size of cells, within bounds.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./model.js").Model} model
 * @param {import("./layout.js").Layout} layout
 * @param {{font: string, width: number, kx: number, ky: number}} page
 */
export function labelRoom(context, model, layout, { font, width, kx, ky }) {
  const caption = textWidth(context, "clients ↓", labelFont(11, font)) + 12;
  const rows = longest(context, model, layout.rows, { font, k: ky });
  const columns = longest(context, model, layout.columns, { font, k: kx });
  return {
    left: Math.min(WIDEST, width * 0.3, Math.max(caption, rows + 14)),
    top: Math.min(HIGHEST, Math.max(40, columns + 12)),
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {import("./model.js").Model} model
 * @param {import("./layout.js").Item[]} items
 * @param {{font: string, k: number}} look
 */
function longest(context, model, items, { font, k }) {
  const size = labelSize(k);
  if (k < READABLE) {
    return bands(items).reduce(
      (most, { group }) => Math.max(most, textWidth(context, model.groups[group], labelFont(11, font))),
      0,
    );
  }
  let most = 0;
  for (const band of bands(items)) {
    const named = bandHoldsName(context, model, band, { k, font });
    for (const item of items.slice(band.from, band.to + 1)) {
      const text = prefix(model, item, named) + ownName(model, item);
      most = Math.max(most, textWidth(context, text, labelFont(size, font, item.leaf < 0)));
    }
  }
  return most;
}

/**
 * Draw everything around the grid.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 */
export function drawAxes(context, scene) {
  context.textBaseline = "middle";
  drawAxis(context, scene, "row");
  drawAxis(context, scene, "column");
  drawCaption(context, scene);
}

/**
 * Draw one axis. Columns are drawn as rows on a canvas turned by 90°, so that both share all of the code.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {Axis} axis
 */
function drawAxis(context, scene, axis) {
  const { frame, view, layout } = scene;
  const grid = covered(frame, { rows: layout.rows.length, columns: layout.columns.length }, view);
  const part =
    axis === "row"
      ? { items: layout.rows, k: view.ky, first: view.y, start: frame.top, length: grid.height, room: frame.left }
      : { items: layout.columns, k: view.kx, first: view.x, start: frame.left, length: grid.width, room: frame.top };
  context.save();
  context.beginPath();
  if (axis === "row") {
    context.rect(0, frame.top, frame.left, grid.height);
  } else {
    context.rect(frame.left, 0, grid.width, frame.top);
  }
  context.clip();
  const written = { until: -Infinity };
  for (const band of bands(part.items)) {
    drawBand(context, scene, { ...part, axis, band, written });
  }
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {any} part
 */
function drawBand(context, scene, part) {
  const { band, k, first, start, length, items, written } = part;
  const from = Math.max(start, start + (band.from - first) * k);
  const to = Math.min(start + length, start + (band.to + 1 - first) * k);
  if (to - from < 1) {
    return;
  }
  const named = bandHoldsName(context, scene.model, band, { k, font: scene.palette.font });
  paintBand(context, scene, part, { from, to, named });
  if (k >= READABLE) {
    const [low, high] = [Math.max(band.from, Math.floor(first)), Math.min(band.to, Math.ceil(first + length / k))];
    for (let i = low; i <= high; i += 1) {
      drawLabel(context, scene, part, { i, item: items[i], at: start + (i - first + 0.5) * k, named });
    }
  } else if ((from + to) / 2 - 6 >= written.until) {
    const at = (from + to) / 2;
    written.until = at + 6; // names of bands narrower than a line give way to the one before
    drawText(context, scene, part, { at, size: 11, own: scene.model.groups[band.group], before: "", tone: "fg" });
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {any} part
 * @param {{from: number, to: number, named: boolean}} where
 */
function paintBand(context, scene, { axis, band, room, k }, { from, to, named }) {
  const { tokens, font } = scene.palette;
  const lit = scene.hover?.zone === `${axis}Band` && scene.hover.group === band.group;
  context.fillStyle = lit ? tokens.accent : tokens[band.group % 2 ? "band-one" : "band-two"];
  const [thickness, across] = [BAND - 3, room - BAND];
  if (axis === "row") {
    context.fillRect(across, from, thickness, to - from - 1);
  } else {
    context.fillRect(from, across, to - from - 1, thickness);
  }
  if (!named || band.whole || k < READABLE) {
    return;
  }
  context.font = labelFont(BAND_SIZE, font);
  context.fillStyle = lit ? tokens.bg : tokens.fg;
  context.textAlign = "center";
  context.save();
  const middle = (from + to - 1) / 2;
  context.translate(
    axis === "row" ? across + thickness / 2 + 0.5 : middle,
    axis === "row" ? middle : across + thickness / 2 + 1,
  );
  context.rotate(axis === "row" ? -Math.PI / 2 : 0);
  context.fillText(fitted(scene.model.groups[band.group], to - from - 4, widthIn(context)), 0, 0);
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {any} part
 * @param {{i: number, item: import("./layout.js").Item, at: number, named: boolean}} label
 */
function drawLabel(context, scene, part, { i, item, at, named }) {
  const found = !scene.found || scene.found[part.axis].has(i);
  const accented = isAccented(scene, part.axis, i);
  context.globalAlpha = found || accented ? 1 : 0.4;
  drawText(context, scene, part, {
    at,
    size: labelSize(part.k),
    own: ownName(scene.model, item),
    before: prefix(scene.model, item, named),
    tone: accented ? "accent" : "fg",
    bold: item.leaf < 0,
  });
  context.globalAlpha = 1;
}

/**
 * Write a name beside its row or above its column, its namespace muted before it.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {any} part
 * @param {{at: number, size: number, own: string, before: string, tone: string, bold?: boolean}} text
 */
function drawText(context, scene, { axis, room }, { at, size, own, before, tone, bold = false }) {
  const { tokens, font } = scene.palette;
  context.font = labelFont(size, font, bold);
  context.textAlign = "left";
  const whole = fitted(before + own, room - BAND - 10, widthIn(context));
  const [muted, plain] = whole === before + own ? [before, own] : ["", whole];
  const length = context.measureText(whole).width;
  context.save();
  if (axis === "row") {
    context.translate(room - BAND - 6 - length, at + 0.5);
  } else {
    context.translate(at + 0.5, room - BAND - 5);
    context.rotate(-Math.PI / 2);
  }
  context.fillStyle = tone === "accent" ? tokens.accent : tokens.muted;
  context.fillText(muted, 0, 0);
  context.fillStyle = tokens[tone];
  context.fillText(plain, length - context.measureText(plain).width, 0);
  context.restore();
}

/**
 * @param {Scene} scene
 * @param {Axis} axis
 * @param {number} i
 */
function isAccented(scene, axis, i) {
  const key = axis === "row" ? "r" : "c";
  const { hover, selection } = scene;
  const chosen = selection && i >= selection[`${key}0`] && i <= selection[`${key}1`];
  return Boolean(chosen && !selection[`${key}All`]) || (hover !== null && hover[key] === i);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 */
function drawCaption(context, { frame, palette }) {
  context.font = labelFont(11, palette.font);
  context.fillStyle = palette.tokens.muted;
  context.textAlign = "right";
  context.fillText("servers →", frame.left - BAND - 6, frame.top - BAND - 9);
  context.fillText("clients ↓", frame.left - BAND - 6, frame.top - BAND + 7);
}

/**
 * Whether a band is long enough to carry its namespace's name, in a long one perhaps cut; if not, the labels carry it.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./model.js").Model} model
 * @param {{group: number, from: number, to: number}} band
 * @param {{k: number, font: string}} look
 */
function bandHoldsName(context, model, band, { k, font }) {
  const length = (band.to + 1 - band.from) * k;
  return length >= LONG_BAND || textWidth(context, model.groups[band.group], labelFont(BAND_SIZE, font)) + 6 <= length;
}

/**
 * @param {import("./model.js").Model} model
 * @param {import("./layout.js").Item} item
 * @param {boolean} named
 */
function prefix(model, item, named) {
  return named || item.leaf < 0 || !model.shortened[item.leaf] ? "" : `${model.groups[item.group]}/`;
}

/**
 * @param {import("./model.js").Model} model
 * @param {import("./layout.js").Item} item
 */
function ownName(model, item) {
  return item.leaf < 0 ? `▸ ${model.groups[item.group]}` : model.short[item.leaf];
}

/** @param {number} k */
function labelSize(k) {
  return Math.max(8, Math.min(12, k - 2));
}

/**
 * @param {number} size
 * @param {string} font
 * @param {boolean} [bold]
 */
function labelFont(size, font, bold = false) {
  return `${bold ? "600 " : ""}${size}px ${font}`;
}

/** @param {CanvasRenderingContext2D} context */
function widthIn(context) {
  const font = context.font;
  return (text) => textWidth(context, text, font);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {string} font
 */
function textWidth(context, text, font) {
  const key = `${font}\n${text}`;
  let width = WIDTHS.get(key);
  if (width === undefined) {
    if (WIDTHS.size > 50000) {
      WIDTHS.clear();
    }
    context.font = font;
    width = context.measureText(text).width;
    WIDTHS.set(key, width);
  }
  return width;
}
