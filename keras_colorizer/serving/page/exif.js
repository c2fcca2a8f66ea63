// The orientation that a camera noted, which a colorizer on a server ignores.
// Sources: Exif 2.32 (TIFF tag 274), PNG 3 (eXIf), the WebP container.

const UPRIGHT = 1;
const ORIENTATION_TAG = 0x0112;

/**
 * Returns the EXIF orientation of a JPEG, PNG or WebP file.
 *
 * @param {Uint8Array} bytes the whole file.
 * @returns {number} 1 to 8; 1, upright, also where none is noted.
 */
export function orientationOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const start = exifStart(view);
    return start === null ? UPRIGHT : orientationAt(view, start);
  } catch (error) {
    if (error instanceof RangeError) return UPRIGHT; // Cut off.
    throw error;
  }
}

function exifStart(view) {
  if (view.getUint16(0) === 0xffd8) return startInJpeg(view);
  if (text(view, 1, 3) === "PNG") return startInPng(view);
  if (text(view, 8, 4) === "WEBP") return startInWebp(view);
  return null;
}

function startInJpeg(view) {
  const [app1, scan] = [0xffe1, 0xffda];
  let at = 2;
  while (view.getUint16(at) !== scan) {
    if (view.getUint16(at) === app1 && text(view, at + 4, 4) === "Exif") {
      return at + 10;
    }
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

function startInPng(view) {
  for (let at = 8; at < view.byteLength; at += 12 + view.getUint32(at)) {
    if (text(view, at + 4, 4) === "eXIf") return at + 8;
  }
  return null;
}

function startInWebp(view) {
  let at = 12;
  while (at < view.byteLength) {
    if (text(view, at, 4) === "EXIF") {
      return text(view, at + 8, 4) === "Exif" ? at + 14 : at + 8;
    }
    const size = view.getUint32(at + 4, true);
    at += 8 + size + (size % 2);
  }
  return null;
}

function orientationAt(view, tiff) {
  const little = text(view, tiff, 2) === "II";
  const first = tiff + view.getUint32(tiff + 4, little);
  const count = view.getUint16(first, little);
  for (let entry = first + 2; entry < first + 2 + 12 * count; entry += 12) {
    if (view.getUint16(entry, little) === ORIENTATION_TAG) {
      const orientation = view.getUint16(entry + 8, little);
      return orientation >= 1 && orientation <= 8 ? orientation : UPRIGHT;
    }
  }
  return UPRIGHT;
}

function text(view, at, length) {
  const codes = Array.from({ length }, (_, i) => view.getUint8(at + i));
  return String.fromCharCode(...codes);
}
