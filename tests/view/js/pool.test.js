import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { poolCells } = await load("pool");

test("every cell paints a pixel, at any size below a pixel", () => {
  for (const count of [7, 50, 333, 1000]) {
    const view = { x: 0, y: 0, kx: 100 / count, ky: 100 / count };
    for (let i = 0; i < count; i += 1) {
      const cells = [{ r: i, c: (i * 7) % count, value: 1 }];
      const pixels = poolCells(cells, { width: 100, height: 100, view, scale: 1 }, () => ({
        rgb: [1, 2, 3],
        rank: 1,
        alpha: 255,
      }));
      assert.ok(
        pixels.some((value) => value === 255),
        `cell ${i} of ${count}`,
      );
    }
  }
});

test("of two cells that share a pixel the higher rank shows, whatever their order", () => {
  const cells = [1, 3, 2].map((value, r) => ({ r, c: 0, value }));
  const pool = { width: 1, height: 1, view: { x: 0, y: 0, kx: 0.3, ky: 0.3 }, scale: 1 };
  const pixels = poolCells(cells, pool, ({ value }) => ({ rgb: [value, value, value], rank: value, alpha: 255 }));
  assert.deepEqual([...pixels], [3, 3, 3, 255]);
});

test("cells outside the view paint nothing", () => {
  const pool = { width: 10, height: 10, view: { x: 100, y: 100, kx: 1, ky: 1 }, scale: 1 };
  assert.ok(
    poolCells(
      [
        { r: 0, c: 0 },
        { r: 300, c: 300 },
      ],
      pool,
      () => ({ rgb: [1, 1, 1], rank: 1, alpha: 255 }),
    ).every((v) => v === 0),
  );
});
