import assert from "node:assert/strict";
import { test } from "node:test";
import { load, payload } from "./load.js";

const { layoutMatrix, readModel, regionAt, selectionOf } = await load("layout", "model", "selection");
const model = readModel(payload());
const layout = layoutMatrix(model, model.all, { order: "namespace", collapsed: new Set(), measure: "bytes" });
const SIZE = { rows: 4, columns: 3 };
const chosen = (place, kind) => selectionOf(model, layout, regionAt(SIZE, place, kind));

test("a cell is its edges, its client and its server", () => {
  assert.deepEqual(chosen({ r: 2, c: 1 }, "cell"), {
    clients: [3],
    servers: [4],
    edges: [2, 3],
    client: "data/redis",
    server: "shop/cart",
  });
});

test("a row and a column hold only what talks", () => {
  assert.deepEqual(chosen({ r: 2, c: 0 }, "row"), {
    clients: [3],
    servers: [4, 5],
    edges: [2, 3, 4],
    client: "data/redis",
    server: "any server",
  });
  assert.deepEqual(chosen({ r: 0, c: 0 }, "column").clients, [0, 1]);
  assert.equal(chosen({ r: 0, c: 0 }, "column").client, "any client");
});

test("an empty cell is a selection of nothing", () => {
  assert.deepEqual(chosen({ r: 0, c: 1 }, "cell").edges, []);
});
