// From cells to pixels and back: how large the canvas is, what part of the matrix shows, what lies under the pointer. Pure.

/**
 * The canvas: the grid starts at (left, top) and is at most width × height; bands lie before it, labels before the bands.
 * @typedef {{left: number, top: number, width: number, height: number, total: {width: number, height: number}}} Frame
 *
 * The part that shows: the first column and row, and the size of a cell.
 * @typedef {{x: number, y: number, kx: number, ky: number}} View
 *
 * @typedef {{rows: number, columns: number}} Size
 */

export const BAND = 17;
export const LARGEST = 28;
export const READABLE = 8;
const MARGIN = 8;
// A canvas grows beyond its usual height only where that makes names readable.
const TALLEST = 860;
const STRETCHED = 1200;
const CLOSEST = 60;

/**
 * Size the canvas for a page width. Cells are square where they fit, flatter where the rows are many.
 * @param {number} width
 * @param {{left: number, top: number}} labels room for names
 * @param {Size} size
 * @returns {Frame}
 */
export function frameFor(width, labels, size) {
  const [left, top] = [whole(labels.left + BAND), whole(labels.top + BAND)];
  const room = whole(Math.max(60, width - left - MARGIN) - 3);
  const cell = Math.max(13, Math.min(LARGEST, room / Math.max(1, size.columns)));
  const readable = size.rows * READABLE;
  const height = Math.min(size.rows * cell, readable > TALLEST && readable <= STRETCHED ? readable : TALLEST);
  return { left, top, width: room, height, total: { width, height: top + height + MARGIN } };
}

/**
 * A length that is whole in device pixels too, at the usual scales of screens (1.25, 1.5, 2): pooled pixels must not blur.
 * @param {number} length
 */
function whole(length) {
  return Math.ceil(length / 4) * 4;
}

/**
 * Show everything.
 * @param {Frame} frame
 * @param {Size} size
 * @returns {View}
 */
export function fitView(frame, size) {
  return {
    x: 0,
    y: 0,
    kx: Math.min(LARGEST, frame.width / Math.max(1, size.columns)),
    ky: Math.min(LARGEST, frame.height / Math.max(1, size.rows)),
  };
}

/**
 * The nearest view that shows neither less than fits nor beyond the edge.
 * @param {Frame} frame
 * @param {Size} size
 * @param {View} view
 * @returns {View}
 */
export function clampView(frame, size, view) {
  const least = fitView(frame, size);
  const kx = Math.min(CLOSEST, Math.max(least.kx, view.kx));
  const ky = Math.min(CLOSEST, Math.max(least.ky, view.ky));
  const x = Math.max(0, Math.min(view.x, size.columns - frame.width / kx));
  const y = Math.max(0, Math.min(view.y, size.rows - frame.height / ky));
  return { x, y, kx, ky };
}

/**
 * Zoom about a point of the canvas, which stays where it is.
 * @param {Frame} frame
 * @param {Size} size
 * @param {View} view
 * @param {number} factor
 * @param {{x: number, y: number}} [point]
 */
export function zoomView(frame, size, view, factor, point) {
  const about = point ?? { x: frame.left + frame.width / 2, y: frame.top + frame.height / 2 };
  const column = (about.x - frame.left) / view.kx + view.x;
  const row = (about.y - frame.top) / view.ky + view.y;
  const zoomed = clampView(frame, size, { ...view, kx: view.kx * factor, ky: view.ky * factor });
  const x = column - (about.x - frame.left) / zoomed.kx;
  const y = row - (about.y - frame.top) / zoomed.ky;
  return clampView(frame, size, { ...zoomed, x, y });
}

/**
 * The nearest view in which a cell shows.
 * @param {Frame} frame
 * @param {Size} size
 * @param {View} view
 * @param {{r: number, c: number}} cell
 */
export function revealView(frame, size, view, cell) {
  const x = Math.min(cell.c, Math.max(view.x, cell.c + 1 - frame.width / view.kx));
  const y = Math.min(cell.r, Math.max(view.y, cell.r + 1 - frame.height / view.ky));
  return clampView(frame, size, { ...view, x, y });
}

/**
 * The part of the grid that is covered by cells, in pixels.
 * @param {Frame} frame
 * @param {Size} size
 * @param {View} view
 */
export function covered(frame, size, view) {
  return {
    width: Math.min(frame.width, (size.columns - view.x) * view.kx),
    height: Math.min(frame.height, (size.rows - view.y) * view.ky),
  };
}

/**
 * What lies under a point of the canvas. `r` and `c` are -1 where there is no row or column.
 * @param {Frame} frame
 * @param {Size} size
 * @param {View} view
 * @param {{x: number, y: number}} point
 * @returns {{r: number, c: number, zone: "cell" | "row" | "column" | "rowBand" | "columnBand" | "none"}}
 */
export function hit(frame, size, view, point) {
  const c = along(point.x - frame.left, frame.width, view.x, view.kx, size.columns);
  const r = along(point.y - frame.top, frame.height, view.y, view.ky, size.rows);
  if (r >= 0 && c >= 0) {
    return { r, c, zone: "cell" };
  }
  if (r >= 0 && point.x < frame.left) {
    return { r, c: -1, zone: point.x >= frame.left - BAND ? "rowBand" : "row" };
  }
  if (c >= 0 && point.y < frame.top) {
    return { r: -1, c, zone: point.y >= frame.top - BAND ? "columnBand" : "column" };
  }
  return { r: -1, c: -1, zone: "none" };
}

/**
 * @param {number} offset pixels from the grid's start
 * @param {number} room
 * @param {number} first
 * @param {number} k
 * @param {number} count
 */
function along(offset, room, first, k, count) {
  const at = Math.floor(offset / k + first);
  return offset >= 0 && offset < room && at < count ? at : -1;
}
