import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { clampView, covered, fitView, frameFor, hit, revealView, zoomView, BAND } = await load("viewport");
const SIZE = { rows: 30, columns: 40 };
const FRAME = frameFor(1000, { left: 150, top: 100 }, SIZE);
const VIEW = fitView(FRAME, SIZE);

test("everything fits, square where there is room", () => {
  assert.equal(VIEW.kx, VIEW.ky);
  assert.ok(VIEW.kx * SIZE.columns <= FRAME.width + 1e-9);
  assert.deepEqual(fitView(frameFor(1000, { left: 100, top: 100 }, { rows: 2, columns: 2 }), { rows: 2, columns: 2 }), {
    x: 0,
    y: 0,
    kx: 28,
    ky: 28,
  });
});

test("the canvas grows for readable names and no further", () => {
  const height = (rows) => frameFor(1000, { left: 100, top: 100 }, { rows, columns: 20 }).height;
  assert.equal(height(10), 280);
  assert.equal(height(60), 860);
  assert.equal(height(120), 960);
  assert.equal(height(2000), 860);
});

test("what lies under a point", () => {
  const at = (x, y) => hit(FRAME, SIZE, VIEW, { x, y });
  const cell = { x: FRAME.left + 3.5 * VIEW.kx, y: FRAME.top + 2.5 * VIEW.ky };
  assert.deepEqual(at(cell.x, cell.y), { r: 2, c: 3, zone: "cell" });
  assert.deepEqual(at(20, cell.y), { r: 2, c: -1, zone: "row" });
  assert.deepEqual(at(FRAME.left - BAND / 2, cell.y), { r: 2, c: -1, zone: "rowBand" });
  assert.deepEqual(at(cell.x, 20), { r: -1, c: 3, zone: "column" });
  assert.deepEqual(at(cell.x, FRAME.top - 2), { r: -1, c: 3, zone: "columnBand" });
  assert.deepEqual(at(5, 5), { r: -1, c: -1, zone: "none" });
  assert.equal(at(cell.x, FRAME.top + FRAME.height + 5).zone, "none");
});

test("zooming keeps the point under the pointer", () => {
  const point = { x: FRAME.left + 10.5 * VIEW.kx, y: FRAME.top + 10.5 * VIEW.ky };
  const closer = zoomView(FRAME, SIZE, VIEW, 2, point);
  assert.equal(closer.kx, VIEW.kx * 2);
  assert.deepEqual(hit(FRAME, SIZE, closer, point), { r: 10, c: 10, zone: "cell" });
  assert.deepEqual(zoomView(FRAME, SIZE, closer, 0.01), VIEW);
});

test("a view never leaves the matrix, and reveals a cell by the shortest way", () => {
  const closer = zoomView(FRAME, SIZE, VIEW, 2);
  assert.deepEqual(clampView(FRAME, SIZE, { ...closer, x: -5, y: 999 }).x, 0);
  const revealed = revealView(FRAME, SIZE, { ...closer, x: 0, y: 0 }, { r: 29, c: 39 });
  assert.ok(39 - revealed.x + 1 <= FRAME.width / revealed.kx + 1e-9);
  assert.deepEqual(revealView(FRAME, SIZE, closer, { r: 15, c: 20 }), closer);
});

test("the covered part is as large as the cells", () => {
  assert.deepEqual(covered(FRAME, SIZE, VIEW), { width: SIZE.columns * VIEW.kx, height: SIZE.rows * VIEW.ky });
});
