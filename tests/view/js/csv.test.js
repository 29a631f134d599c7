import assert from "node:assert/strict";
import { test } from "node:test";
import { load, payload } from "./load.js";

const { csvField, edgeRecord, readModel, toCsv, toJson } = await load("csv", "model");

test("nothing reaches a spreadsheet as a formula", () => {
  for (const start of ["=", "+", "-", "@", "\t", "\r", "\n"]) {
    assert.equal(csvField(`${start}1+1`), `"'${start}1+1"`);
  }
  assert.equal(csvField('a "b", c'), '"a ""b"", c"');
  assert.equal(csvField(-5), "-5");
  assert.equal(csvField(null), "");
});

test("an edge is a record with whole names", () => {
  const model = readModel({ ...payload(), labels: ["=x", "(nodes)", "data/idle", "a\x1bb", "shop/cart", "shop/web"] });
  assert.deepEqual(edgeRecord(model, 0), {
    client: "=x",
    server: "a\x1bb",
    port: 443,
    protocol: "TCP",
    state: "answered",
    bytes: 1000,
    packets: 0,
    flows: 1,
    connections: 1,
    first: "1970-01-01T00:00:00Z",
    last: "1970-01-01T00:00:05Z",
    direction_by: "SYN",
    verdict: null,
    rule: null,
    folded: 0,
  });
  assert.match(toCsv(model, [0]), /^client,server,port,protocol,.*\r\n"'=x",/);
  assert.equal(JSON.parse(toJson(model, [5]))[0].port, null);
});
