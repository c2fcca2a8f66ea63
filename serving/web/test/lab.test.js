import { test } from "node:test";

import { lightnessRoot, writeSaturated } from "../src/color/lab.js";
import { assertNear, golden, rgbaOf } from "./golden.js";

const { tolerance, to_lab, to_rgb } = await golden("color");

test("L* of levels is that of the vectors", () => {
  for (const { rgb, lab } of to_lab) {
    const found = 116 * lightnessRoot(rgbaOf([[rgb]]), 0) - 16;
    assertNear([found], [lab[0]], tolerance.lab);
  }
});

test("levels of L*a*b* are those of the vectors", () => {
  for (const { lab, rgb } of to_rgb) {
    const y = (lab[0] + 16) / 116;
    const roots = [y + lab[1] / 500, y, y - lab[2] / 200];
    const rgba = new Uint8ClampedArray(4);
    writeSaturated(Float32Array.from(roots), 1, rgba);
    // Rounded to a level, and looked up in steps of a tenth of one.
    const levels = rgb.map((value) => 255 * value);
    assertNear(rgba.subarray(0, 3), levels, 0.6 + 255 * tolerance.rgb);
  }
});
