import assert from "node:assert/strict";
import { test } from "node:test";

import { colorOf, labOf } from "../src/color/lab.js";
import { nameOf } from "../src/color/name.js";
import { hintsOf, rowsOf, textOf, turned } from "../src/hints/hint.js";
import { History } from "../src/hints/history.js";
import { suggestions } from "../src/hints/suggestions.js";
import { assertNear, golden } from "./golden.js";

const COAT = { x: 0.31, y: 0.62, color: "#a03020" };
const hex = (color) => (/^#[0-9a-f]{6}$/.test(color) ? color : null);

test("colors are those of the vectors", async () => {
  const { tolerance, to_lab } = await golden("color");
  for (const { rgb, lab } of to_lab) {
    const color = `#${Buffer.from(rgb).toString("hex")}`;
    assertNear(labOf(color), lab, tolerance.lab);
    assert.equal(colorOf(lab), color);
  }
});

test("colors have the names that people give them", () => {
  const names = {
    "#b22222": "red",
    "#000080": "dark blue",
    "#228b22": "green",
    "#8b4513": "brown",
    "#ff8c00": "orange",
    "#ffd700": "light yellow",
    "#ffc0cb": "light pink",
    "#808080": "grey",
    "#40e0d0": "light turquoise",
    "#8a2be2": "violet",
  };
  for (const [color, name] of Object.entries(names)) {
    assert.equal(nameOf(color), name, color);
  }
});

test("hints are rows of place, ab and 1; saturation leaves them", () => {
  const rows = rowsOf([COAT], 2);
  assert.equal(rows.length, 32 * 5);
  // scikit-image's rgb2lab of #a03020: 37.29, 45.33, 35.76.
  assertNear(rows.slice(0, 5), [0.31, 0.62, 22.665, 17.88, 1], 0.01);
  assert.ok(rows.slice(5).every((value) => value === 0));
  assert.ok(rowsOf([COAT], 0).every(Number.isFinite));
});

test("a hint file is read as it was written", () => {
  assert.deepEqual(hintsOf(textOf([COAT]), hex), [COAT]);
  assert.deepEqual(JSON.parse(textOf([COAT])), { hints: [COAT] });
});

test("what is wrong with a hint file is told", () => {
  const wrong = [
    ["{", /must be JSON such as/],
    ["[]", /must be JSON such as/],
    [JSON.stringify({ hints: Array(33).fill(COAT) }), /at most 32/],
    [textOf([COAT, { ...COAT, y: 1.1 }]), /Hint 2: `y` must be a number/],
    [textOf([{ ...COAT, x: "0.1" }]), /Hint 1: `x`/],
    [textOf([{ ...COAT, color: "reddish" }]), /Hint 1: `color`/],
    [textOf([null]), /Hint 1: `x`/],
  ];
  for (const [text, sentence] of wrong) {
    assert.throws(() => hintsOf(text, hex), sentence);
  }
});

test("hints turn with their photo", () => {
  // The left upper corner comes to the right upper one.
  const [corner] = turned([{ x: 0, y: 0, color: "" }], 1);
  assert.deepEqual([corner.x, corner.y], [1, 0]);
  const [back] = turned(turned([COAT], 3), 1);
  assertNear([back.x, back.y], [COAT.x, COAT.y], 1e-12);
});

test("steps are undone and redone, and a hand's way is one step", () => {
  const history = new History(0);
  history.push(1);
  history.push(2);
  history.replace(3);
  history.undo();
  assert.equal(history.present, 1);
  history.redo();
  assert.equal(history.present, 3);
  history.undo();
  history.undo();
  history.undo();
  assert.deepEqual([history.present, history.canUndo], [0, false]);
  history.push(4);
  assert.deepEqual([history.present, history.canRedo], [4, false]);
});

test("suggestions begin with the prediction, differ, and keep lightness", () => {
  const side = 16;
  const lightness = new Float32Array(side ** 2).fill(55);
  const ab = new Float32Array(2 * side ** 2);
  ab.fill(30, 0, side ** 2); // The upper half is orange, the lower one grey.
  const colors = suggestions(lightness, { ab, side }, { x: 1, y: 0.2 }, 12);
  const labs = colors.map(labOf);
  assertNear(labs[0], [55, 30, 30], 1);
  assertNear(labs[1], [55, 0, 0], 1); // Of places alike.
  assert.equal(colors.length, 12);
  for (const [i, one] of labs.entries()) {
    assertNear([one[0]], [55], 1);
    for (const other of labs.slice(0, i)) {
      assert.ok(Math.hypot(...one.map((v, k) => v - other[k])) >= 10);
    }
  }
});

test("white has few suggestions: colors are darker", () => {
  const colors = { ab: new Float32Array(8).fill(20), side: 2 };
  const white = new Float32Array(4).fill(100);
  const found = suggestions(white, colors, { x: 0, y: 0 }, 6);
  assert.ok(found.length < 4);
});
