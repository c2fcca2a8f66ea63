import assert from "node:assert/strict";
import { test } from "node:test";

import { sizeOf } from "../src/photo_size.js";

const HUFFMAN_TABLE = [0xff, 0xc4, 0, 4, 1, 2];
const FRAME = [0xff, 0xc2, 0, 17, 8, 0x0f, 0xa0, 0x17, 0x70, 3];
const JPEG = Uint8Array.from([0xff, 0xd8, ...HUFFMAN_TABLE, ...FRAME]);

test("the size of a JPEG is that of its frame", () => {
  assert.deepEqual(sizeOf(JPEG), { width: 6000, height: 4000 });
});

test("what is cut off has no size", () => {
  for (let end = 0; end < 17; end++) {
    assert.equal(sizeOf(JPEG.subarray(0, end)), null);
  }
});

test("what is neither JPEG nor PNG has no size", () => {
  assert.equal(sizeOf(new Uint8Array(100)), null);
});
