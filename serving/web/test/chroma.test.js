import { test } from "node:test";

import { writeSaturated } from "../src/color/lab.js";
import { coloredRoots, networkView } from "../src/color/chroma.js";
import { assertNear, golden, rgbaOf } from "./golden.js";

const { tolerance, view, merge } = await golden("chroma");

test("the network sees the photo squashed to a square", () => {
  for (const { rgb, side, view: expected } of view) {
    const read = (row) => rgbaOf([rgb[row]]);
    const photo = { width: rgb[0].length, height: rgb.length, read };
    assertNear(networkView(photo, side), expected.flat(), tolerance.view);
  }
});

test("colors are laid under the photo's own L*", () => {
  for (const { rgb, ab, merged } of merge) {
    const found = mergedStrips(rgb, ab, rgb.length);
    assertNear(found, rgbaOf(merged), tolerance.level);
  }
});

test("strips are merged as the whole is", () => {
  for (const { rgb, ab, merged } of merge) {
    assertNear(mergedStrips(rgb, ab, 1), rgbaOf(merged), tolerance.level);
  }
});

function mergedStrips(rgb, ab, rows) {
  const colors = { ab: Float32Array.from(ab.flat(2)), side: ab.length };
  const place = { width: rgb[0].length, height: rgb.length };
  const strips = [];
  for (let top = 0; top < rgb.length; top += rows) {
    const strip = rgbaOf(rgb.slice(top, top + rows));
    writeSaturated(coloredRoots(strip, { top, ...place }, colors), 1, strip);
    strips.push(...strip);
  }
  return strips;
}
