// The whole matrix on its canvas: ground, lines between namespaces, cells, what is under the pointer, what is selected.

import { drawAxes } from "./axes.js";
import { shade } from "./colours.js";
import { bands } from "./layout.js";
import { drawCell, isHollow } from "./marks.js";
import { poolCells } from "./pool.js";
import { covered } from "./viewport.js";

export const POOLED_BELOW = 3;
const DIM = 0.16;

/**
 * Everything a drawing depends on.
 * @typedef {object} Scene
 * @property {import("./model.js").Model} model
 * @property {import("./layout.js").Layout} layout
 * @property {import("./viewport.js").Frame} frame
 * @property {import("./viewport.js").View} view
 * @property {import("./theme.js").Palette} palette
 * @property {{r: number, c: number, zone: string, group: number} | null} hover
 * @property {{r: number, c: number} | null} cursor
 * @property {import("./selection.js").Region | null} selection
 * @property {{row: Set<number>, column: Set<number>} | null} found by the search
 * @property {number} flash a group to point out, or -1
 * @property {number} scale device pixels a CSS pixel
 */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 */
export function drawScene(context, scene) {
  const { frame, view, layout, palette, scale } = scene;
  const grid = covered(frame, { rows: layout.rows.length, columns: layout.columns.length }, view);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.direction = "ltr";
  context.fillStyle = palette.tokens.bg;
  context.fillRect(0, 0, frame.total.width, frame.total.height);
  context.fillStyle = palette.tokens.ground;
  context.fillRect(frame.left, frame.top, grid.width, grid.height);
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, grid.width, grid.height);
  context.clip();
  drawFlash(context, scene, grid);
  drawLines(context, scene, grid); // under the cells: a line must not hide a cell of one pixel
  if (Math.min(view.kx, view.ky) < POOLED_BELOW) {
    drawPooled(context, scene, grid);
  } else {
    drawCells(context, scene, grid);
  }
  drawPointer(context, scene, grid);
  context.restore();
  drawAxes(context, scene);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{width: number, height: number}} grid
 */
function drawCells(context, scene, grid) {
  const { frame, view, layout } = scene;
  for (const cell of layout.cells) {
    const box = boxOf(scene, cell.r, cell.c);
    const [right, bottom] = [frame.left + grid.width, frame.top + grid.height];
    const outside = box.x > right || box.y > bottom || box.x + view.kx < frame.left || box.y + view.ky < frame.top;
    if (!outside) {
      context.globalAlpha = isDim(scene, cell) ? DIM : 1;
      drawCell(context, box, cell, { palette: scene.palette, scale: layout.scale });
    }
  }
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{width: number, height: number}} grid
 */
function drawPooled(context, scene, grid) {
  const { frame, view, layout, palette, scale } = scene;
  const [width, height] = [Math.ceil(grid.width * scale), Math.ceil(grid.height * scale)];
  if (width < 1 || height < 1) {
    return;
  }
  const silent = numbers(palette.tokens.silent);
  const pixels = poolCells(layout.cells, { width, height, view, scale }, (cell) => {
    const answered = !isHollow(cell);
    const at = shade(layout.scale, cell.value);
    return {
      rgb: answered ? palette.bare.rgb[at] : silent,
      rank: (answered ? 1000 : 0) + at,
      alpha: isDim(scene, cell) ? 255 * DIM : 255,
    };
  });
  const layer = new OffscreenCanvas(width, height);
  layer.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  context.save();
  context.imageSmoothingEnabled = false;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(layer, Math.round(frame.left * scale), Math.round(frame.top * scale));
  context.restore();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{width: number, height: number}} grid
 */
function drawLines(context, { frame, view, layout, palette }, grid) {
  const [rows, columns] = [bands(layout.rows), bands(layout.columns)];
  const narrowest = Math.min(grid.width / columns.length, grid.height / rows.length);
  context.strokeStyle = palette.tokens.line;
  context.globalAlpha = narrowest < 16 && rows.length < layout.rows.length ? 0.4 : 1; // many lines would outshine the cells
  context.lineWidth = 1;
  context.beginPath();
  for (const band of columns.slice(1)) {
    const x = Math.round(frame.left + (band.from - view.x) * view.kx) - 0.5;
    context.moveTo(x, frame.top);
    context.lineTo(x, frame.top + grid.height);
  }
  for (const band of rows.slice(1)) {
    const y = Math.round(frame.top + (band.from - view.y) * view.ky) - 0.5;
    context.moveTo(frame.left, y);
    context.lineTo(frame.left + grid.width, y);
  }
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * The group just opened or closed, so that the eye keeps its place.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{width: number, height: number}} grid
 */
function drawFlash(context, scene, grid) {
  const { frame, view, layout, palette, flash } = scene;
  if (flash < 0) {
    return;
  }
  context.fillStyle = palette.tokens.accent;
  context.globalAlpha = 0.14;
  for (const band of bands(layout.rows).filter((one) => one.group === flash)) {
    const height = (band.to + 1 - band.from) * view.ky;
    context.fillRect(frame.left, frame.top + (band.from - view.y) * view.ky, grid.width, height);
  }
  for (const band of bands(layout.columns).filter((one) => one.group === flash)) {
    const width = (band.to + 1 - band.from) * view.kx;
    context.fillRect(frame.left + (band.from - view.x) * view.kx, frame.top, width, grid.height);
  }
  context.globalAlpha = 1;
}

/**
 * The row and column under the pointer, the cell of the keyboard, the selection.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{width: number, height: number}} grid
 */
function drawPointer(context, scene, grid) {
  const { frame, palette, hover, cursor, selection } = scene;
  context.fillStyle = palette.tokens.accent;
  context.globalAlpha = 0.11;
  if (hover && hover.r >= 0 && !hover.zone.endsWith("Band")) {
    const box = boxOf(scene, hover.r, 0);
    context.fillRect(frame.left, box.y, grid.width, box.height);
  }
  if (hover && hover.c >= 0 && !hover.zone.endsWith("Band")) {
    const box = boxOf(scene, 0, hover.c);
    context.fillRect(box.x, frame.top, box.width, grid.height);
  }
  context.globalAlpha = 1;
  if (selection) {
    drawRegion(context, scene, selection, palette.tokens.accent, 2.5);
  }
  const chosen =
    selection && selection.r0 === cursor?.r && selection.c0 === cursor?.c && !selection.rAll && !selection.cAll;
  if (cursor && !chosen) {
    drawRegion(context, scene, { r0: cursor.r, r1: cursor.r, c0: cursor.c, c1: cursor.c }, palette.tokens.fg, 2);
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scene} scene
 * @param {{r0: number, r1: number, c0: number, c1: number}} region
 * @param {string} colour
 * @param {number} width
 */
function drawRegion(context, scene, region, colour, width) {
  const from = boxOf(scene, region.r0, region.c0);
  const to = boxOf(scene, region.r1, region.c1);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.strokeRect(from.x, from.y, Math.max(2, to.x + to.width - from.x), Math.max(2, to.y + to.height - from.y));
}

/**
 * @param {Pick<Scene, "frame" | "view">} scene
 * @param {number} r
 * @param {number} c
 */
export function boxOf({ frame, view }, r, c) {
  return {
    x: frame.left + (c - view.x) * view.kx,
    y: frame.top + (r - view.y) * view.ky,
    width: view.kx,
    height: view.ky,
  };
}

/**
 * @param {Scene} scene
 * @param {import("./layout.js").Cell} cell
 */
function isDim({ found }, cell) {
  return found !== null && !found.row.has(cell.r) && !found.column.has(cell.c);
}

/**
 * The numbers of a colour written #rrggbb.
 * @param {string} colour
 */
function numbers(colour) {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}
