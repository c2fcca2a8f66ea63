// Photos decoded from their files, or the reason why they cannot be.

import { imageDimensionsFromData } from "image-dimensions";

import { orientedBitmap } from "./orientation.js";

const MAX_PIXELS = 100_000_000;
const BEGINNING = 2 ** 20; // Bytes: the size of most photos lies before.
// Of a PNG, "IHDR" and the bits of a channel: PNG 3, 11.2.1.
const PNG_HEADER = 0x49484452;
const PNG_DEPTH = 24;

/**
 * Decodes a photo.
 *
 * @param {File} file
 * @param {number} turn quarter turns to the right, 0 to 3.
 * @returns {Promise<{picture: ImageBitmap, note: string}>} upright, sRGB; the
 *   note says what is lost.
 * @throws {Error} a sentence.
 */
export async function openPhoto(file, turn = 0) {
  const bytes = await bytesOf(file.slice(0, BEGINNING));
  // Before decoding, which takes the memory, and after, for other formats.
  check(imageDimensionsFromData(bytes) ?? { width: 0, height: 0 });
  const picture = await orientedBitmap(file, turn).catch(() => null);
  if (picture === null) {
    throw new Error(
      "This is not a photo that a browser can open, or it is damaged: choose " +
        "a JPEG, PNG or WebP.",
    );
  }
  check(picture);
  return { picture, note: noteOn(bytes) };
}

/**
 * Reads a file.
 *
 * @param {Blob} file
 * @returns {Promise<Uint8Array>}
 * @throws {Error} a sentence, if it is a folder or has gone.
 */
export async function bytesOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Error(
      "The file cannot be read: choose photos, not folders, and leave them " +
        "where they are.",
    );
  }
}

function check({ width, height }) {
  if (width * height <= MAX_PIXELS) return;
  const [has, most] = [width * height, MAX_PIXELS].map((count) =>
    count.toLocaleString("en"),
  );
  throw new Error(
    `This photo has ${has} pixels, and at most ${most} can be colored here: ` +
      "reduce it.",
  );
}

function noteOn(bytes) {
  const view = new DataView(bytes.buffer);
  const isPng = bytes.length > PNG_DEPTH && view.getUint32(12) === PNG_HEADER;
  if (!isPng || bytes[PNG_DEPTH] <= 8) return "";
  return (
    "Colored with 8 of its 16 bits a channel: `keras-colorizer colorize` " +
    "keeps all."
  );
}
