// From a file to a picture, or to the reason why there is none.

import { bytesOf } from "../../../keras_colorizer/serving/page/photo_file.js";
import {
  IN_SRGB,
  decoded,
} from "../../../keras_colorizer/serving/page/picture.js";
import { sizeOf } from "./photo_size.js";

const MAX_PIXELS = 100_000_000;
const BEGINNING = 2 ** 20; // Bytes: what lies before a JPEG's size is less.

/**
 * Decodes a photo.
 *
 * @param {File} file
 * @returns {Promise<ImageBitmap>} upright, sRGB.
 * @throws {Error} a sentence.
 */
export async function opened(file) {
  const size = sizeOf(await bytesOf(file.slice(0, BEGINNING)));
  if (size !== null) check(size);
  const picture = await decoded(file, IN_SRGB);
  if (picture === null) {
    throw new Error(
      "This is not a photo that a browser can open, or it is damaged: choose " +
        "a JPEG, PNG or WebP.",
    );
  }
  check(picture);
  return picture;
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
