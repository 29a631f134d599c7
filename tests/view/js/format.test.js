import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { amountText, bytesText, fitted, isolated, periodText, plural, portText, shown, timeText } = await load("format");

test("names show what is invisible, and keep the rest", () => {
  assert.equal(shown("cart"), "cart");
  assert.equal(shown(""), "‹empty›");
  assert.equal(shown("a\x1b[2J\u202eb\u200b"), "a‹1B›[2J‹202E›b‹200B›");
  assert.equal(shown("\ud800"), "‹D800›");
  assert.equal(shown("__proto__"), "__proto__");
});

test("long names keep both ends, in 200 characters", () => {
  const name = shown(`${"a".repeat(2500)}${"b".repeat(2500)}`);
  assert.equal(name.length, 200);
  assert.match(name, /^a+…b+$/);
  assert.equal(shown("😀".repeat(200)), "😀".repeat(200));
});

test("a name in a sentence cannot turn it around", () => {
  assert.equal(isolated("سلام"), "\u2068سلام\u2069");
});

test("amounts carry their unit", () => {
  assert.deepEqual([0, 999, 1000, 134.1e6, 5e15].map(bytesText), ["0 B", "999 B", "1.0 kB", "134.1 MB", "5000.0 TB"]);
  assert.equal(amountText(1204, "flows"), "1,204 flows");
  assert.equal(amountText(1, "connections"), "1 connection");
  assert.equal(amountText(1500, "bytes"), "1.5 kB");
  assert.equal(plural(1, "edge"), "1 edge");
});

test("ports name their protocol, protocols without ports stand alone", () => {
  assert.equal(portText(443, 6), "443/TCP");
  assert.equal(portText(-1, 58), "ICMPv6");
  assert.equal(portText(-1, 47), "protocol 47");
});

test("periods say the date once", () => {
  assert.equal(timeText(0), "1970-01-01 00:00:00");
  assert.equal(periodText(0, 0), "1970-01-01 00:00:00 UTC");
  assert.equal(periodText(0, 5000), "1970-01-01 00:00:00 – 00:00:05 UTC");
  assert.equal(periodText(0, 86400000), "1970-01-01 00:00:00 – 1970-01-02 00:00:00 UTC");
});

test("texts are cut in the middle to the longest form that fits", () => {
  const width = (text) => text.length;
  assert.equal(fitted("prometheus-k8s", 20, width), "prometheus-k8s");
  assert.equal(fitted("prometheus-k8s", 9, width), "prom…-k8s");
  assert.equal(fitted("prometheus-k8s", 0, width), "");
});
