import assert from "node:assert/strict";
import { test } from "node:test";
import { load, payload } from "./load.js";

const { describeAxis, describeCell, layoutMatrix, readModel, sentence, sideName, sortedEdges } = await load(
  "describe",
  "layout",
  "model",
  "table",
);
const model = readModel(payload());
const layout = layoutMatrix(model, model.all, { order: "namespace", collapsed: new Set(), measure: "bytes" });

test("a cell is told in one sentence", () => {
  const words = sentence(describeCell(model, layout, { r: 2, c: 1 }, "bytes"));
  const expected =
    "\u2068data/redis\u2069 → \u2068shop/cart\u2069: 505 B · 7 flows · 2 connections; 6379/TCP, 80/TCP; ";
  assert.equal(words, `${expected}1 of 2 ports refused; direction inferred`);
  assert.match(sentence(describeCell(model, layout, { r: 0, c: 1 }, "bytes")), /no traffic$/);
});

test("labels say their kind, bands what a click does", () => {
  assert.deepEqual(describeAxis(model, layout, { r: 2, c: -1, zone: "row", group: 2 }), {
    title: "data/redis",
    lines: ["Deployment"],
  });
  const band = describeAxis(model, layout, { r: -1, c: 1, zone: "columnBand", group: 3 });
  assert.deepEqual(band, { title: "shop", lines: ["2 servers · click to collapse"] });
});

test("a side of a selection has a name", () => {
  const name = (part) => sideName(model, layout.rows, { side: "client", all: false, ...part });
  assert.equal(name({ from: 2, to: 2 }), "data/redis");
  assert.equal(name({ from: 0, to: 3, all: true }), "any client");
  assert.equal(name({ from: 1, to: 2 }), "2 clients");
});

test("edges sort by any column, equal ones stay in order", () => {
  assert.deepEqual(sortedEdges(model, model.all, { column: "bytes", ascending: false }), [0, 2, 5, 1, 3, 4]);
  assert.deepEqual(sortedEdges(model, model.all, { column: "server", ascending: true }), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(sortedEdges(model, model.all, { column: "port", ascending: true }), [5, 4, 3, 0, 2, 1]);
});
