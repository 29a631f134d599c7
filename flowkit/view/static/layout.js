// Where everything stands in the matrix, in cells and not in pixels: rows, columns, cells, bands. Pure.

/**
 * One row or column: a label, or a whole group when `leaf` is -1.
 * @typedef {{group: number, leaf: number}} Item
 *
 * One client → server cell; its edges are `members` from `start`, `count` of them.
 * @typedef {{r: number, c: number, value: number, states: number, status: number, changes: number, start: number, count: number}} Cell
 *
 * @typedef {object} Layout
 * @property {Item[]} rows
 * @property {Item[]} columns
 * @property {Cell[]} cells
 * @property {Map<number, Cell>} index
 * @property {Int32Array} members
 * @property {import("./colours.js").Scale} scale
 */

import { columnOf } from "./model.js";

export const ANSWERED = 1;
const MOST_NEAR = 2 ** 20;

/**
 * Lay out a set of edges. Rows and columns are pruned independently: a server that never calls has no row.
 * @param {import("./model.js").Model} model
 * @param {number[]} edges
 * @param {{order: string, collapsed: Set<number>, measure: string}} options
 * @returns {Layout}
 */
export function layoutMatrix(model, edges, options) {
  const rows = axisItems(model, model.edges.s, edges, options);
  const columns = axisItems(model, model.edges.d, edges, options);
  const { cells, index, members } = gather(model, edges, rows, columns, columnOf(options.measure));
  const scale = { ...range(cells), inverted: options.measure === "rare" };
  return { rows: rows.items, columns: columns.items, cells, index, members, scale };
}

/**
 * The items of one axis, and the position of every label on it (-1: not there).
 * @param {import("./model.js").Model} model
 * @param {number[]} side
 * @param {number[]} edges
 * @param {{order: string, collapsed: Set<number>}} options
 */
function axisItems(model, side, edges, { order, collapsed }) {
  const used = new Uint8Array(model.labels.length);
  for (const edge of edges) {
    used[side[edge]] = 1;
  }
  /** @type {Item[]} */
  const items = [];
  const position = new Int32Array(model.labels.length).fill(-1);
  const groupAt = new Map();
  for (const leaf of model.orders[order]) {
    if (used[leaf]) {
      position[leaf] = place(items, groupAt, model.ns[leaf], collapsed.has(model.ns[leaf]) ? -1 : leaf);
    }
  }
  return { items, position };
}

/**
 * @param {Item[]} items
 * @param {Map<number, number>} groupAt
 * @param {number} group
 * @param {number} leaf
 */
function place(items, groupAt, group, leaf) {
  if (leaf < 0 && groupAt.has(group)) {
    return groupAt.get(group);
  }
  items.push({ group, leaf });
  if (leaf < 0) {
    groupAt.set(group, items.length - 1);
  }
  return items.length - 1;
}

/**
 * Put every edge into its cell.
 * @param {import("./model.js").Model} model
 * @param {number[]} edges
 * @param {{position: Int32Array}} rows
 * @param {{items: Item[], position: Int32Array}} columns
 * @param {string} column
 */
function gather(model, edges, rows, columns, column) {
  const { s, d, state, status, change } = model.edges;
  const values = model.edges[column];
  /** @type {Map<number, Cell>} */
  const index = new Map();
  // of few possible cells an array finds one faster than the index
  const near = rows.items.length * columns.items.length <= MOST_NEAR ? [] : null;
  const cellOf = edges.map((edge) => {
    const r = rows.position[s[edge]];
    const c = columns.position[d[edge]];
    const key = r * columns.items.length + c;
    let cell = near ? near[key] : index.get(key);
    if (!cell) {
      cell = { r, c, value: 0, states: 0, status: 0, changes: 0, start: 0, count: 0 };
      index.set(key, cell);
      if (near) {
        near[key] = cell;
      }
    }
    cell.value += values[edge];
    cell.states |= 1 << state[edge];
    cell.status = Math.max(cell.status, status[edge]);
    cell.changes |= 1 << change[edge];
    cell.count += 1;
    return cell;
  });
  return { cells: [...index.values()], index, members: membersByCell(index, edges, cellOf) };
}

/**
 * Edge numbers, those of one cell side by side.
 * @param {Map<number, Cell>} index
 * @param {number[]} edges
 * @param {Cell[]} cellOf
 */
function membersByCell(index, edges, cellOf) {
  let start = 0;
  for (const cell of index.values()) {
    cell.start = start;
    start += cell.count;
    cell.count = 0;
  }
  const members = new Int32Array(edges.length);
  edges.forEach((edge, i) => {
    const cell = cellOf[i];
    members[cell.start + cell.count] = edge;
    cell.count += 1;
  });
  return members;
}

/**
 * The values that colours must tell apart: those of cells where something answered, if there are any.
 * @param {Cell[]} cells
 */
function range(cells) {
  const answered = cells.filter((cell) => cell.states & ANSWERED);
  let [low, high] = [Infinity, 0];
  for (const cell of answered.length ? answered : cells) {
    low = Math.min(low, cell.value);
    high = Math.max(high, cell.value);
  }
  return cells.length ? { low, high } : { low: 0, high: 0 };
}

/**
 * The cell at a place, if there is traffic.
 * @param {Layout} layout
 * @param {number} r
 * @param {number} c
 */
export function cellAt(layout, r, c) {
  return layout.index.get(r * layout.columns.length + c);
}

/**
 * The edges of a cell.
 * @param {Layout} layout
 * @param {Cell} cell
 */
export function edgesOf(layout, cell) {
  return [...layout.members.subarray(cell.start, cell.start + cell.count)];
}

/**
 * Runs of neighbours that belong to one group.
 * @param {Item[]} items
 * @returns {{group: number, from: number, to: number, whole: boolean}[]} `to` is the last; `whole`: a collapsed group
 */
export function bands(items) {
  const found = [];
  items.forEach((item, i) => {
    const last = found.at(-1);
    if (last && last.group === item.group) {
      last.to = i;
    } else {
      found.push({ group: item.group, from: i, to: i, whole: item.leaf < 0 });
    }
  });
  return found;
}

/**
 * Move from a cell in one direction: by one, or to the next cell with traffic (the last place if there is none).
 * @param {Layout} layout
 * @param {{r: number, c: number}} from
 * @param {{r: number, c: number}} step
 * @param {boolean} jump
 */
export function moved(layout, from, step, jump) {
  let here = from;
  for (;;) {
    const next = { r: here.r + step.r, c: here.c + step.c };
    if (next.r < 0 || next.c < 0 || next.r >= layout.rows.length || next.c >= layout.columns.length) {
      return jump ? from : here;
    }
    here = next;
    if (!jump || cellAt(layout, here.r, here.c)) {
      return here;
    }
  }
}
