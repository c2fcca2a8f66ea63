// A photo as the server takes it: upright, of a known format, not too large.

import { orientationOf } from "./exif.js";
import { AS_STORED, canvasOf, decoded } from "./picture.js";

// What the server refuses beyond, unless it was exported with another limit.
const MAX_PIXELS = 50_000_000;

const SERVABLE = [
  /^\xff\xd8\xff/, // JPEG
  /^\x89PNG\r\n\x1a\n/,
  /^RIFF[^]{4}WEBP/,
  /^BM/,
];

/**
 * Returns the file to send for one that was picked.
 *
 * The file itself, wherever the server reads it as it is meant; else it is
 * drawn anew, without loss.
 *
 * @param {File} file
 * @returns {Promise<{sent: Blob, picture: ?ImageBitmap, note: string}>} the
 *   picture to look at is null where only the server can tell what is wrong;
 *   the note says what was changed.
 * @throws {Error} a sentence, if it is not a photo.
 */
export async function servable(file) {
  const bytes = await bytesOf(file);
  const isServable = SERVABLE.some((magic) => magic.test(headerOf(bytes)));
  const picture = await decoded(file, AS_STORED);
  if (picture === null && !isServable) {
    throw new Error(
      "This is not a photo that a browser can open: choose a JPEG, PNG, WebP " +
        "or BMP.",
    );
  }
  const shrink = shrinkingOf(picture);
  const isFit = isServable && shrink === 1 && orientationOf(bytes) === 1;
  if (picture === null || isFit) return { sent: file, picture, note: "" };
  return drawn(picture, shrink);
}

/**
 * Reads a file that was picked.
 *
 * @param {File} file
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

function headerOf(bytes) {
  return String.fromCharCode(...bytes.subarray(0, 12));
}

function shrinkingOf(picture) {
  const pixels = picture === null ? 0 : picture.width * picture.height;
  return pixels > MAX_PIXELS ? Math.sqrt(MAX_PIXELS / pixels) : 1;
}

async function drawn(picture, shrink) {
  const canvas = canvasOf(picture, shrink);
  const sent = await canvas.convertToBlob({ type: "image/png" });
  const size = `${canvas.width} × ${canvas.height}`;
  const note = shrink < 1 ? `Reduced to ${size} pixels.` : "";
  return { sent, picture, note };
}
