import assert from "node:assert/strict";
import { test } from "node:test";
import { load, payload } from "./load.js";

const { noFilter, filtered, portUses, readModel, roundAmounts, roundTimes, sankeyLayout, stackedPaths, thumbnails, timelineOf } = await load(
  "model",
  "portsview",
  "sankeylayout",
  "timelinedata",
);
const model = readModel(payload());
const sum = (values) => values.reduce((total, value) => total + value, 0);

test("ports come by their amount, and every thumbnail stands on the same axes", () => {
  const uses = portUses(model, model.all, "bytes");
  assert.deepEqual(
    uses.map(({ port, sum: amount }) => [port, amount]),
    [
      [443, 1000],
      [6379, 500],
      [-1, 64],
      [8080, 10],
      [22, 5],
      [80, 5],
    ],
  );
  const { rows, columns, cells, scale } = thumbnails(model, uses, { order: "namespace", measure: "bytes" });
  assert.deepEqual([rows, columns], [4, 2]);
  assert.deepEqual(
    cells[1].map(({ r, c }) => [r, c]),
    [[2, 1]],
  );
  assert.deepEqual([scale.low, scale.high], [5, 1000]);
});

test("a Sankey keeps every byte, by namespace or of one namespace by workload", () => {
  for (const groups of [new Set(), new Set([3])]) {
    const { columns, ribbons, total } = sankeyLayout(model, model.all, { measure: "bytes", groups, height: 300 });
    assert.equal(total, 1584);
    columns.forEach((nodes) => assert.equal(sum(nodes.map((node) => node.sum)), 1584));
    [0, 1].forEach((step) => assert.equal(sum(ribbons.filter((one) => one.step === step).map((one) => one.sum)), 1584));
  }
  const names = (groups) =>
    sankeyLayout(model, model.all, { measure: "bytes", groups, height: 300 }).columns[2].map(({ name }) => name);
  assert.deepEqual(names(new Set()), ["data", "shop"]);
  assert.deepEqual(names(new Set([3])), ["data", "shop/cart", "shop/web"]);
});

test("a timeline of edges counts those between first and last sight", () => {
  const { series, bins, step, highest } = timelineOf(model, model.all, new Set());
  assert.deepEqual([bins, step, highest], [56, 1000, 1]);
  assert.equal(sum(series.flatMap(({ values }) => values)), 36);
  const recorded = { t0: 0, step: 1000, column: "bytes", groups: [2, 3], values: [[1, 2], [3, 4]] }; // prettier-ignore
  const filteredOne = timelineOf({ ...model, timeline: recorded }, model.all, new Set([3]));
  assert.deepEqual(filteredOne.series, [{ group: 3, values: [3, 4] }]);
  const [path] = stackedPaths(filteredOne, { x: 0, y: 0, width: 20, height: 8 });
  assert.equal(path.path, "M0.0 2.0L10.0 2.0L10.0 0.0L20.0 0.0L20.0 8.0L10.0 8.0L10.0 8.0L0.0 8.0Z");
});

test("a period keeps what was seen in it, verdicts and changes filter by their number", () => {
  const by = (patch) => filtered(model, { ...noFilter(), ...patch });
  assert.deepEqual(by({ period: { start: 12, end: 21, words: "" } }), [1, 2]);
  assert.deepEqual(by({ only: { edges: new Set([4]), words: "" } }), [4]);
  assert.deepEqual(by({ status: "4" }), []);
  assert.deepEqual(by({ change: "0" }), model.all);
});

test("the marks of a timeline are round, and none lies outside", () => {
  const at = Date.UTC(2026, 8, 21, 14, 13, 10);
  const hours = roundTimes(at, at + 3 * 3_600_000, 6);
  assert.deepEqual([hours.step, hours.times.length], [1_800_000, 6]);
  assert.deepEqual(new Date(hours.times[0]).toISOString(), "2026-09-21T14:30:00.000Z");
  assert.equal(roundTimes(at, at + 43_000, 9).step, 5000);
  assert.equal(roundTimes(at, at + 40 * 86_400_000, 6).step, 7 * 86_400_000);
  assert.deepEqual(roundAmounts(262_700), [0, 100_000, 200_000]);
  assert.deepEqual(roundAmounts(90), [0, 20, 40, 60, 80]);
  assert.deepEqual(roundAmounts(1), [0, 1]);
});
