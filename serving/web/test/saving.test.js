import assert from "node:assert/strict";
import { test } from "node:test";

import { unusedName } from "../src/page/saving.js";

test("files of the same name are numbered", () => {
  const names = new Set();
  const given = ["a.jpg", "a.jpg", "a", "a.jpg", "a"];
  const found = given.map((name) => unusedName(name, names));
  assert.deepEqual(found, ["a.jpg", "a (2).jpg", "a", "a (3).jpg", "a (2)"]);
});
