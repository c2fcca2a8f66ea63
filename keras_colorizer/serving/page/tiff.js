// The structure in which EXIF lies. Source: TIFF 6.0, section 2.

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

  /** Where the first directory is. */
  get first() {
    return this.long(4);
  }

  /**
   * @param {number} directory where it is.
   * @param {number} tag of the entry to find there.
   * @returns {?number} where its value is, or what points to it.
   * @throws {RangeError} if the bytes are cut off.
   */
  valueAt(directory, tag) {
    for (let at = directory + 2; at < this.endOf(directory); at += ENTRY) {
      if (this.short(at) === tag) return at + 8;
    }
    return null;
  }

  /** Where the entries of a directory end, and the next one is pointed to. */
  endOf(directory) {
    return directory + 2 + ENTRY * this.short(directory);
  }

  /** Removes from a directory the entry whose value is there. */
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
