import assert from "node:assert/strict";
import { test } from "node:test";

import { View } from "../src/page/view.js";
import { assertNear } from "./golden.js";

test("what lies under the pointer stays there when magnified", () => {
  const view = new View();
  const at = { x: 0.8, y: 0.3 };
  for (const factor of [2, 1.5, 0.7]) {
    const before = view.placeAt(at);
    view.zoom(factor, at, 8);
    assertNear(Object.values(view.placeAt(at)), Object.values(before), 1e-12);
  }
});

test("a photo fills its frame, however it is moved", () => {
  const view = new View();
  view.zoom(4, { x: 0, y: 1 }, 3);
  assert.equal(view.scale, 3);
  view.pan(9, -9);
  assertNear([view.x, view.y], [0, 2 / 3], 1e-12);
  view.zoom(0.1, { x: 1, y: 1 }, 3);
  assert.deepEqual([view.scale, view.x, view.y, view.isWhole], [1, 0, 0, true]);
});

test("a place is brought into sight by the shortest way", () => {
  const view = new View();
  view.zoom(4, { x: 0, y: 0 }, 4);
  view.reveal({ x: 0.9, y: 0.1 });
  assertNear([view.x, view.y], [0.65, 0], 1e-12);
  assert.deepEqual(view.frameOf({ x: 0.9, y: 0.1 }).x, 1);
});
