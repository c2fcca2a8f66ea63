import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";

import { uprightExif, withExif } from "../src/photos/kept_exif.js";

// A TIFF structure by hand: orientation 6, and a directory for a thumbnail.
const ORIENTATION = [0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
const MAKE = [0x0f, 1, 2, 0, 2, 0, 0, 0, 65, 0, 0, 0];
const TIFF = Uint8Array.from([
  ...[0x49, 0x49, 42, 0, 8, 0, 0, 0],
  ...[2, 0, ...MAKE, ...ORIENTATION, 38, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0],
]);

test("kept EXIF is upright, and points to no thumbnail", () => {
  const kept = uprightExif(TIFF);
  const expected = TIFF.slice();
  expected[30] = 1;
  expected[34] = 0;
  assert.deepEqual(kept, expected);
  assert.equal(TIFF[30], 6);
});

test("EXIF may start with big ends, too", () => {
  const big = Uint8Array.from([
    ...[0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1],
    ...[1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0, 26],
  ]);
  assert.equal(uprightExif(big)[19], 1);
});

test("damaged EXIF is left behind", () => {
  for (let end = 0; end < 38; end++) {
    assert.equal(uprightExif(TIFF.subarray(0, end)), null);
  }
});

test("EXIF that a JPEG cannot hold is left behind", () => {
  const file = new Blob([Uint8Array.of(0xff, 0xd8)], { type: "image/jpeg" });
  assert.equal(withExif(file, new Uint8Array(65_528)), file);
  assert.equal(withExif(file, new Uint8Array(65_527)).size, 2 + 65_537);
});

test("the chunk of a PNG has the checksum of zlib", async () => {
  const file = new Blob([new Uint8Array(33)], { type: "image/png" });
  const written = await withExif(file, TIFF).arrayBuffer();
  const view = new DataView(written, 33);
  const chunk = new Uint8Array(written, 37, TIFF.length + 4);
  assert.equal(view.getUint32(0), TIFF.length);
  assert.equal(view.getUint32(8 + TIFF.length), zlib.crc32(chunk));
});
