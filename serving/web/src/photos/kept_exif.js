// EXIF passed on to a colored photo.
// Sources: Exif 2.32, 4.5 and 4.6; PNG 3, 5.3 and 11.3.4.

import { ORIENTATION, Tiff, nullIfCutOff } from "./tiff.js";

const UPRIGHT = 1;
const EXIF_DIRECTORY = 0x8769;
const COLOR_SPACE = 0xa001;
const INTEROPERABILITY = 0xa005; // Names the color space once more.
const SRGB = 1;

const LONGEST_IN_JPEG = 65_527; // Bytes, beside the length and the mark.
const AFTER_JPEG_START = 2;
const AFTER_PNG_HEADER = 33;

/**
 * Corrects EXIF for a result: upright, sRGB, without a grey thumbnail.
 *
 * @param {Uint8Array} exif a TIFF structure, left as it is.
 * @returns {?Uint8Array} another; null if it is damaged.
 */
export function uprightExif(exif) {
  return nullIfCutOff(() => {
    const tiff = new Tiff(exif.slice());
    set(tiff, tiff.first, ORIENTATION, UPRIGHT);
    tiff.setLong(tiff.endOf(tiff.first), 0); // The thumbnail's directory.
    const pointer = tiff.valueAt(tiff.first, EXIF_DIRECTORY);
    if (pointer !== null) inSrgb(tiff, tiff.long(pointer));
    return tiff.bytes;
  });
}

/**
 * Puts EXIF into a file.
 *
 * @param {Blob} file a JPEG or PNG without any.
 * @param {?Uint8Array} exif a TIFF structure.
 * @returns {Blob} the file itself where there is none, or too much.
 */
export function withExif(file, exif) {
  if (exif === null) return file;
  const isJpeg = file.type === "image/jpeg";
  if (isJpeg && exif.length > LONGEST_IN_JPEG) return file;
  const place = isJpeg ? AFTER_JPEG_START : AFTER_PNG_HEADER;
  const part = isJpeg ? segment(exif) : chunk(exif);
  const parts = [file.slice(0, place), part, file.slice(place)];
  return new Blob(parts, { type: file.type });
}

function inSrgb(tiff, directory) {
  set(tiff, directory, COLOR_SPACE, SRGB);
  const value = tiff.valueAt(directory, INTEROPERABILITY);
  if (value !== null) tiff.remove(directory, value);
}

function set(tiff, directory, tag, short) {
  const at = tiff.valueAt(directory, tag);
  if (at !== null) tiff.setShort(at, short);
}

function segment(exif) {
  const bytes = new Uint8Array(exif.length + 10);
  bytes.set([0xff, 0xe1]); // APP1.
  new DataView(bytes.buffer).setUint16(2, exif.length + 8);
  bytes.set(lettersOf("Exif"), 4); // And two zeros.
  bytes.set(exif, 10);
  return bytes;
}

function chunk(exif) {
  const bytes = new Uint8Array(exif.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, exif.length);
  bytes.set(lettersOf("eXIf"), 4);
  bytes.set(exif, 8);
  const checked = bytes.subarray(4, exif.length + 8);
  view.setUint32(exif.length + 8, checksum(checked));
  return bytes;
}

function lettersOf(text) {
  return new TextEncoder().encode(text);
}

// CRC-32, PNG 3, annex D.
function checksum(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
  }
  return (sum ^ 0xffffffff) >>> 0;
}
