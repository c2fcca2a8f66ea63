// The structure that EXIF has. Source: TIFF 6.0, section 2.

export const ORIENTATION = 0x0112;

const ENTRY = 12; // Bytes.

export class Tiff {
  #view;
  #isLittle;

  /** @param {Uint8Array} bytes from the byte order mark on. */
  constructor(bytes) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#isLittle = this.#view.getUint16(0) === 0x4949; // "II".
  }

  /** The place of the first directory. */
  get first() {
    return this.long(4);
  }

  /**
   * @param {number} directory its place.
   * @param {number} tag of the entry to find there.
   * @returns {?number} the place of its value, or of the pointer to it.
   * @throws {RangeError} if the bytes are cut off.
   */
  valueAt(directory, tag) {
    for (let at = directory + 2; at < this.endOf(directory); at += ENTRY) {
      if (this.short(at) === tag) return at + 8;
    }
    return null;
  }

  /** The end of a directory's entries: the pointer to the next directory. */
  endOf(directory) {
    return directory + 2 + ENTRY * this.short(directory);
  }

  /** Removes the entry with the value at that place from a directory. */
  remove(directory, value) {
    const count = this.short(directory);
    const end = this.endOf(directory) + 4;
    const entry = value - 8;
    this.bytes.copyWithin(entry, entry + ENTRY, end);
    this.bytes.fill(0, end - ENTRY, end);
    this.setShort(directory, count - 1);
  }

  short(at) {
    return this.#view.getUint16(at, this.#isLittle);
  }

  long(at) {
    return this.#view.getUint32(at, this.#isLittle);
  }

  setShort(at, value) {
    this.#view.setUint16(at, value, this.#isLittle);
  }

  setLong(at, value) {
    this.#view.setUint32(at, value, this.#isLittle);
  }
}

/**
 * Returns the result of a reader, or null if its bytes end too early.
 *
 * @template T
 * @param {() => T} read
 * @returns {?T}
 */
export function nullIfCutOff(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
