import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.js";

const { contrast, ramp, shade } = await load("colours");
const GROUND = { light: [243, 245, 247], dark: [28, 34, 40] };

test("cells without an outline stand out from an empty cell, 2:1", () => {
  for (const theme of ["light", "dark"]) {
    const worst = Math.min(...ramp(theme, "bare").map((colour) => contrast(colour, GROUND[theme])));
    assert.ok(worst >= 2, `${theme}: ${worst}`);
  }
});

test("more is darker on light pages and lighter on dark ones, without a turn", () => {
  for (const cells of ["outlined", "bare"]) {
    const onWhite = ramp("light", cells).map((colour) => contrast(colour, [255, 255, 255]));
    const onBlack = ramp("dark", cells).map((colour) => contrast(colour, [0, 0, 0]));
    for (const values of [onWhite, onBlack]) {
      assert.ok(values.every((value, i) => i === 0 || value >= values[i - 1] - 0.02));
    }
  }
});

test("the scale is logarithmic, and turned round for the rare", () => {
  const scale = { low: 1, high: 10000, inverted: false };
  assert.deepEqual(
    [0, 1, 100, 10000, 99999].map((value) => shade(scale, value)),
    [0, 0, 128, 255, 255],
  );
  assert.equal(shade({ ...scale, inverted: true }, 1), 255);
  assert.equal(shade({ low: 7, high: 7, inverted: false }, 7), 153);
});

test("contrast is WCAG's", () => {
  assert.equal(contrast([0, 0, 0], [255, 255, 255]), 21);
});
