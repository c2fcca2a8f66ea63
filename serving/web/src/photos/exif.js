// The EXIF of a photo's file.
// Sources: Exif 2.32, 4.5.4 (JPEG); PNG 3, 11.3.4; the WebP container.

import { nullIfCutOff } from "./tiff.js";

/**
 * Returns the EXIF of a JPEG, PNG or WebP file.
 *
 * @param {Uint8Array} bytes the whole file.
 * @returns {?Uint8Array} a TIFF structure, in the file's own memory; null
 *   where there is none.
 */
export function exifOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const range = nullIfCutOff(() => rangeIn(view));
  return range && bytes.subarray(range.start, range.end);
}

function rangeIn(view) {
  if (view.getUint16(0) === 0xffd8) return rangeInJpeg(view);
  if (text(view, 1, 3) === "PNG") return rangeInPng(view);
  if (text(view, 8, 4) === "WEBP") return rangeInWebp(view);
  return null;
}

function rangeInJpeg(view) {
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

function rangeInPng(view) {
  for (let at = 8; at < view.byteLength; at += 12 + view.getUint32(at)) {
    if (text(view, at + 4, 4) === "eXIf") {
      return { start: at + 8, end: at + 8 + view.getUint32(at) };
    }
  }
  return null;
}

function rangeInWebp(view) {
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
