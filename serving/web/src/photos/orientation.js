// Photos decoded upright, WebP included: not every browser turns those.

import { exifOf } from "./exif.js";
import { ORIENTATION, Tiff, nullIfCutOff } from "./tiff.js";

const UPRIGHT = 1;
// After none to three quarter turns to the right.
const TURNS = [UPRIGHT, 6, 3, 8];
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
 * Decodes a photo, upright and in sRGB.
 *
 * @param {Blob} blob
 * @param {number} turn further quarter turns to the right, 0 to 3.
 * @returns {Promise<ImageBitmap>} rejected if the browser cannot.
 */
export async function orientedBitmap(blob, turn) {
  return turned(await uprightBitmap(blob), TURNS[turn]);
}

async function uprightBitmap(blob) {
  const mark = await blob.slice(8, 12).text();
  if (mark !== "WEBP") return bitmapOf(blob);
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const orientation = takeOrientation(bytes);
  const picture = await bitmapOf(new Blob([bytes], { type: blob.type }));
  return turned(picture, orientation);
}

function bitmapOf(blob) {
  return createImageBitmap(blob, {
    imageOrientation: "from-image",
    colorSpaceConversion: "default",
    premultiplyAlpha: "none",
  });
}

// Reads the orientation and sets it to upright, so that no browser turns it.
function takeOrientation(bytes) {
  const exif = exifOf(bytes);
  const found = nullIfCutOff(() => {
    const tiff = new Tiff(exif ?? new Uint8Array());
    const at = tiff.valueAt(tiff.first, ORIENTATION);
    if (at === null) return UPRIGHT;
    const orientation = tiff.short(at);
    tiff.setShort(at, UPRIGHT);
    return orientation;
  });
  return found in TRANSFORMS ? found : UPRIGHT;
}

function turned(picture, orientation) {
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
