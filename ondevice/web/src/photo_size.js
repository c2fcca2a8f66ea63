// How large a photo is, read before it is decoded.
// Sources: ITU-T T.81, B.2.2, for JPEG; PNG 3, 11.2.1.

import { wholly } from "../../../keras_colorizer/serving/page/exif.js";

// Segments that start a frame, but for those in between that do not.
const FRAMES = [0xffc0, 0xffcf];
const NO_FRAMES = [0xffc4, 0xffc8, 0xffcc];
const PNG_HEADER = 0x49484452; // "IHDR".

/**
 * @param {Uint8Array} bytes a JPEG or PNG file, or how it begins.
 * @returns {?{width: number, height: number}} null where it is neither, or the
 *   size comes later.
 */
export function sizeOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return wholly(() => {
    if (view.getUint16(0) === 0xffd8) return sizeInJpeg(view);
    if (view.getUint32(12) === PNG_HEADER) {
      return { width: view.getUint32(16), height: view.getUint32(20) };
    }
    return null;
  });
}

function sizeInJpeg(view) {
  let at = 2;
  while (!isFrame(view.getUint16(at))) at += 2 + view.getUint16(at + 2);
  return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) };
}

function isFrame(marker) {
  const [first, last] = FRAMES;
  return first <= marker && marker <= last && !NO_FRAMES.includes(marker);
}
