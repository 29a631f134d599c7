// Cells smaller than three pixels: every cell paints at least one pixel, and the largest value wins it, so that no cell is
// ever lost. Pure: pixels in, pixels out.

/**
 * @typedef {object} Pool
 * @property {number} width in device pixels
 * @property {number} height
 * @property {import("./viewport.js").View} view
 * @property {number} scale device pixels a CSS pixel
 */

/**
 * Paint cells into pixels, each as red, green, blue, alpha; untouched pixels stay transparent.
 * @param {import("./layout.js").Cell[]} cells
 * @param {Pool} pool
 * @param {(cell: import("./layout.js").Cell) => {rgb: number[], rank: number, alpha: number}} paint of two cells that share a
 *   pixel the one with the higher rank shows
 * @returns {Uint8ClampedArray}
 */
export function poolCells(cells, pool, paint) {
  const { width, height, view, scale } = pool;
  const pixels = new Uint8ClampedArray(width * height * 4);
  const rank = new Float64Array(width * height).fill(-1);
  const [kx, ky] = [view.kx * scale, view.ky * scale];
  for (const cell of cells) {
    const [left, right] = span(cell.c - view.x, kx, width);
    const [top, bottom] = span(cell.r - view.y, ky, height);
    if (right <= 0 || bottom <= 0 || left >= width || top >= height) {
      continue;
    }
    const colour = paint(cell);
    for (let y = Math.max(0, top); y < Math.min(height, bottom); y += 1) {
      for (let x = Math.max(0, left); x < Math.min(width, right); x += 1) {
        const at = y * width + x;
        if (colour.rank > rank[at]) {
          rank[at] = colour.rank;
          pixels.set(colour.rgb, 4 * at);
          pixels[4 * at + 3] = colour.alpha;
        }
      }
    }
  }
  return pixels;
}

/**
 * The pixels of a cell along one axis: from the first to before the last, never none; inside where it is just at the edge.
 * @param {number} at
 * @param {number} k
 * @param {number} room
 */
function span(at, k, room) {
  const from = Math.floor(at * k);
  const start = from === room ? room - 1 : from;
  return [start, Math.max(start + 1, Math.floor((at + 1) * k))];
}
