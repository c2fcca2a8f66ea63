// What a camera noted in a photo's file, first of all how it was held.
// Sources: Exif 2.32 (TIFF tag 274), PNG 3 (eXIf), the WebP container.

import { Tiff } from "./tiff.js";

const UPRIGHT = 1;
export const ORIENTATION = 0x0112;

/**
 * Returns the EXIF orientation of a JPEG, PNG or WebP file.
 *
 * @param {Uint8Array} bytes the whole file.
 * @returns {number} 1 to 8; 1, upright, also where none is noted.
 */
export function orientationOf(bytes) {
  const exif = exifOf(bytes);
  if (exif === null) return UPRIGHT;
  return wholly(() => orientationIn(new Tiff(exif))) ?? UPRIGHT;
}

/**
 * Returns the EXIF of a JPEG, PNG or WebP file.
 *
 * @param {Uint8Array} bytes the whole file.
 * @returns {?Uint8Array} a TIFF structure, in the file's own memory.
 */
export function exifOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const place = wholly(() => placeIn(view));
  return place && bytes.subarray(place.start, place.end);
}

/**
 * Returns what a reader of a file returns, or null if the file is cut off.
 *
 * @template T
 * @param {() => T} read
 * @returns {?T}
 */
export function wholly(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function orientationIn(tiff) {
  const at = tiff.valueAt(tiff.first, ORIENTATION);
  const orientation = at === null ? UPRIGHT : tiff.short(at);
  return orientation >= 1 && orientation <= 8 ? orientation : UPRIGHT;
}

function placeIn(view) {
  if (view.getUint16(0) === 0xffd8) return placeInJpeg(view);
  if (text(view, 1, 3) === "PNG") return placeInPng(view);
  if (text(view, 8, 4) === "WEBP") return placeInWebp(view);
  return null;
}

function placeInJpeg(view) {
  const [app1, scan] = [0xffe1, 0xffda];
  let at = 2;
  while (view.getUint16(at) !== scan) {
    const end = at + 2 + view.getUint16(at + 2);
    if (view.getUint16(at) === app1 && text(view, at + 4, 4) === "Exif") {
      return { start: at + 10, end };
    }
    at = end;
  }
  return null;
}

function placeInPng(view) {
  for (let at = 8; at < view.byteLength; at += 12 + view.getUint32(at)) {
    if (text(view, at + 4, 4) === "eXIf") {
      return { start: at + 8, end: at + 8 + view.getUint32(at) };
    }
  }
  return null;
}

function placeInWebp(view) {
  let at = 12;
  while (at < view.byteLength) {
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (text(view, at, 4) === "EXIF") {
      // Some writers put JPEG's mark before it.
      const mark = text(view, start, 4) === "Exif" ? 6 : 0;
      return { start: start + mark, end: start + size };
    }
    at = start + size + (size % 2);
  }
  return null;
}

function text(view, at, length) {
  const codes = Array.from({ length }, (_, i) => view.getUint8(at + i));
  return String.fromCharCode(...codes);
}
