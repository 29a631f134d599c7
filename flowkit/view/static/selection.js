// What is selected: a rectangle of the matrix, and the clients, servers and edges inside it. Pure.

import { sideName } from "./describe.js";
import { edgesOf } from "./layout.js";

/**
 * A rectangle of rows and columns; `rAll` and `cAll` tell that it spans all of them.
 * @typedef {{r0: number, r1: number, c0: number, c1: number, rAll: boolean, cAll: boolean}} Region
 *
 * Endpoint numbers, edge numbers, and what either side is called.
 * @typedef {{clients: number[], servers: number[], edges: number[], client: string, server: string}} Selection
 */

/**
 * One cell, or the whole row or column it is in.
 * @param {{rows: number, columns: number}} size
 * @param {{r: number, c: number}} place
 * @param {string} kind cell, row or column
 * @returns {Region}
 */
export function regionAt(size, { r, c }, kind) {
  const [row, column] = [kind === "row", kind === "column"];
  return {
    r0: column ? 0 : r,
    r1: column ? size.rows - 1 : r,
    c0: row ? 0 : c,
    c1: row ? size.columns - 1 : c,
    rAll: column,
    cAll: row,
  };
}

/**
 * @param {import("./model.js").Model} model
 * @param {import("./layout.js").Layout} layout
 * @param {Region} region
 * @returns {Selection}
 */
export function selectionOf(model, layout, { r0, r1, c0, c1, rAll, cAll }) {
  const inside = layout.cells.filter((cell) => cell.r >= r0 && cell.r <= r1 && cell.c >= c0 && cell.c <= c1);
  const edges = inside.flatMap((cell) => edgesOf(layout, cell));
  return {
    clients: [...new Set(edges.map((edge) => model.edges.s[edge]))],
    servers: [...new Set(edges.map((edge) => model.edges.d[edge]))],
    edges,
    client: sideName(model, layout.rows, { from: r0, to: r1, all: rAll, side: "client" }),
    server: sideName(model, layout.columns, { from: c0, to: c1, all: cAll, side: "server" }),
  };
}
