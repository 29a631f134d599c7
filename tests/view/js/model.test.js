import assert from "node:assert/strict";
import { test } from "node:test";
import { load, payload } from "./load.js";

const { filtered, isFiltering, noFilter, portsOf, readModel, searched, seen, totals } = await load("model");
const model = readModel(payload());
const by = (patch) => filtered(model, { ...noFilter(), ...patch });

test("names are split from their namespace, but not those outside it", () => {
  assert.deepEqual(model.short, ["(external) unknown", "(nodes)", "idle", "redis", "cart", "web"]);
  assert.deepEqual(model.shortened, [false, false, true, true, true, true]);
});

test("a payload of another version is refused", () => {
  assert.throws(() => readModel({ ...payload(), v: 2 }), /version 1, not 2/);
});

test("filters are all kept, namespaces are a union of either side", () => {
  assert.equal(by({}), model.all);
  assert.deepEqual(by({ groups: new Set([3]) }), [2, 3, 4, 5]);
  assert.deepEqual(by({ groups: new Set([0, 1]) }), [0, 1]);
  assert.deepEqual(by({ port: "-1" }), [5]);
  assert.deepEqual(by({ proto: "6", groups: new Set([3]) }), [2, 3, 4]);
  assert.deepEqual(by({ state: "refused" }), [3]);
  assert.deepEqual(by({ state: "inferred" }), [2]);
  assert.deepEqual(by({ pair: { clients: new Set([3]), servers: new Set([4]), words: "" } }), [2, 3]);
  assert.equal(isFiltering(noFilter()), false);
  assert.equal(isFiltering({ ...noFilter(), port: "443" }), true);
});

test("a search finds either name, whatever its case", () => {
  assert.deepEqual(searched(model, model.all, " CART "), [2, 3, 5]);
  assert.equal(searched(model, model.all, " "), model.all);
  assert.deepEqual(searched(model, model.all, "constructor"), []);
});

test("totals count clients, servers, pairs, states and sums", () => {
  const sums = totals(model, model.all);
  assert.deepEqual([sums.clients, sums.servers, sums.pairs], [4, 3, 5]);
  assert.deepEqual([sums.bytes, sums.flows, sums.connections], [1584, 21, 6]);
  assert.deepEqual(sums.byState, [4, 1, 1]);
});

test("first and last sight, and the ports by size", () => {
  assert.deepEqual(seen(model, [1, 2]), [10000, 25000]);
  assert.deepEqual(portsOf(model, [2, 3], "bytes"), ["6379/TCP", "80/TCP"]);
});
