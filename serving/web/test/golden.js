// Golden vectors, which every port answers: tests/golden/.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

/** Reads a file of vectors. */
export async function golden(name) {
  const url = new URL(`../../../tests/golden/${name}.json`, import.meta.url);
  return JSON.parse(await readFile(url, "utf8"));
}

/** Asserts that numbers differ by no more than a tolerance. */
export function assertNear(actual, expected, tolerance) {
  assert.equal(actual.length, expected.length);
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(actual[i] - value);
    assert.ok(difference <= tolerance, `${i}: ${actual[i]}, not ${value}`);
  }
}

/** Makes rows of red, green and blue four to a pixel, as canvases hold them. */
export function rgbaOf(rows) {
  return Uint8ClampedArray.from(rows.flat().flatMap((rgb) => [...rgb, 255]));
}
