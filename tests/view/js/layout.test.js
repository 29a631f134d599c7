import assert from "node:assert/strict";
import { test } from "node:test";
import { load, payload } from "./load.js";

const { bands, cellAt, edgesOf, layoutMatrix, moved, readModel } = await load("layout", "model");
const model = readModel(payload());
const laid = (options = {}) =>
  layoutMatrix(model, model.all, { order: "namespace", collapsed: new Set(), measure: "bytes", ...options });

test("rows and columns are pruned independently", () => {
  const { rows, columns } = laid();
  assert.deepEqual(
    rows.map(({ leaf }) => leaf),
    [0, 1, 3, 4],
  );
  assert.deepEqual(
    columns.map(({ leaf }) => leaf),
    [3, 4, 5],
  );
});

test("a cell gathers the ports of one client and server, with their states", () => {
  const layout = laid();
  const cell = cellAt(layout, 2, 1);
  assert.deepEqual([cell.value, cell.states, cell.count], [505, 1 | 2, 2]);
  assert.deepEqual(edgesOf(layout, cell), [2, 3]);
  assert.equal(cellAt(layout, 0, 1), undefined);
  assert.equal(layout.cells.length, 5);
});

test("every edge is in exactly one cell, whatever is collapsed", () => {
  for (const collapsed of [[], [3], [2, 3], [0, 1, 2, 3]]) {
    const layout = laid({ collapsed: new Set(collapsed) });
    const edges = layout.cells.flatMap((cell) => edgesOf(layout, cell)).sort((a, b) => a - b);
    assert.deepEqual(edges, model.all);
  }
});

test("a collapsed namespace is one row and one column", () => {
  const { rows, columns, index } = laid({ collapsed: new Set([3]) });
  assert.deepEqual(rows.at(-1), { group: 3, leaf: -1 });
  assert.deepEqual(columns, [
    { group: 2, leaf: 3 },
    { group: 3, leaf: -1 },
  ]);
  assert.equal(index.size, 4);
});

test("orders and measures come from the payload; rare turns the scale", () => {
  assert.deepEqual(
    laid({ order: "traffic" }).rows.map(({ leaf }) => leaf),
    [0, 1, 4, 3],
  );
  assert.equal(cellAt(laid({ measure: "flows" }), 2, 1).value, 3 + 4);
  assert.equal(laid({ measure: "rare" }).scale.inverted, true);
});

test("the scale spans what was answered", () => {
  assert.deepEqual(laid().scale, { low: 10, high: 1000, inverted: false });
  const nothing = layoutMatrix(model, [], { order: "namespace", collapsed: new Set(), measure: "bytes" });
  assert.deepEqual(nothing.scale, { low: 0, high: 0, inverted: false });
  assert.deepEqual(nothing.rows, []);
});

test("bands are runs of one namespace", () => {
  assert.deepEqual(bands(laid().columns), [
    { group: 2, from: 0, to: 0, whole: false },
    { group: 3, from: 1, to: 2, whole: false },
  ]);
});

test("arrows move by one, jumps go to traffic, nothing leaves the matrix", () => {
  const layout = laid();
  assert.deepEqual(moved(layout, { r: 0, c: 0 }, { r: 0, c: 1 }, false), { r: 0, c: 1 });
  assert.deepEqual(moved(layout, { r: 0, c: 0 }, { r: -1, c: 0 }, false), { r: 0, c: 0 });
  assert.deepEqual(moved(layout, { r: 0, c: 1 }, { r: 1, c: 0 }, true), { r: 2, c: 1 });
  assert.deepEqual(moved(layout, { r: 3, c: 0 }, { r: 0, c: 1 }, true), { r: 3, c: 2 });
  assert.deepEqual(moved(layout, { r: 0, c: 1 }, { r: 0, c: 1 }, true), { r: 0, c: 1 });
});

test("more than 65,536 columns do not meet in one cell", () => {
  const count = 70000;
  const many = payload();
  many.labels = Array.from({ length: count + 1 }, (_, i) => `n/w${i}`);
  many.ns = many.labels.map(() => 0);
  many.nsNames = ["n"];
  many.pinned = 0;
  many.orders = { namespace: many.labels.map((_, i) => i) };
  for (const name of Object.keys(many.edges)) {
    many.edges[name] = Array(count).fill(0);
  }
  many.edges.d = Array.from({ length: count }, (_, i) => i + 1);
  const big = readModel(many);
  assert.equal(
    layoutMatrix(big, big.all, { order: "namespace", collapsed: new Set(), measure: "bytes" }).cells.length,
    count,
  );
});
