import assert from "node:assert/strict";
import { test } from "node:test";

import { AUTO, factorFor } from "../src/color/saturation.js";

// Of keras_colorizer's NATURAL_CHROMA = 17 and MOST = 2.
test("`auto` raises the mean chroma to 17, at most twofold", () => {
  const ab = (chroma) => Float32Array.of(0, chroma + 1, chroma - 1, 0);
  assert.equal(factorFor(AUTO, ab(10)), 1.7);
  assert.equal(factorFor(AUTO, ab(3)), 2);
  assert.equal(factorFor(AUTO, ab(30)), 1);
  assert.equal(factorFor(AUTO, new Float32Array(4)), 2);
  assert.equal(factorFor(0.3, ab(10)), 0.3);
});
