// Photos in WebP, turned upright: not every browser does it.

import { ORIENTATION, exifOf, orientationOf } from "./exif.js";
import { Tiff } from "./tiff.js";

const UPRIGHT = 1;
// Of a picture as stored, w x h, by its orientation: CIPA DC-008, 4.6.5.1.
const TRANSFORMS = {
  2: (w) => [-1, 0, 0, 1, w, 0],
  3: (w, h) => [-1, 0, 0, -1, w, h],
  4: (w, h) => [1, 0, 0, -1, 0, h],
  5: () => [0, 1, 1, 0, 0, 0],
  6: (w, h) => [0, 1, -1, 0, h, 0],
  7: (w, h) => [0, -1, -1, 0, h, w],
  8: (w) => [0, -1, 1, 0, 0, w],
};
const FIRST_WITH_SIDES_SWAPPED = 5;

/**
 * Returns a WebP that no browser turns, and how to turn it.
 *
 * @param {Blob} blob a photo of any format.
 * @returns {Promise<{blob: Blob, orientation: number}>} others as they are,
 *   with 1, upright: browsers turn them.
 */
export async function unturned(blob) {
  const mark = await blob.slice(8, 12).text();
  if (mark !== "WEBP") return { blob, orientation: UPRIGHT };
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const orientation = orientationOf(bytes);
  if (orientation === UPRIGHT) return { blob, orientation };
  const tiff = new Tiff(exifOf(bytes));
  tiff.setShort(tiff.valueAt(tiff.first, ORIENTATION), UPRIGHT);
  return { blob: new Blob([bytes], { type: blob.type }), orientation };
}

/**
 * Turns a picture as its orientation says.
 *
 * @param {ImageBitmap} picture
 * @param {number} orientation 1 to 8.
 * @returns {ImageBitmap}
 */
export function turned(picture, orientation) {
  if (orientation === UPRIGHT) return picture;
  const { width, height } = picture;
  const isSwapped = orientation >= FIRST_WITH_SIDES_SWAPPED;
  const sides = isSwapped ? [height, width] : [width, height];
  const canvas = new OffscreenCanvas(...sides);
  const context = canvas.getContext("2d");
  context.setTransform(...TRANSFORMS[orientation](width, height));
  context.drawImage(picture, 0, 0);
  picture.close();
  return canvas.transferToImageBitmap();
}
