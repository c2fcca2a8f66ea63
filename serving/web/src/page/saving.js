// Colored photos as files: one, or all in one ZIP.

import { downloadZip } from "client-zip";

import { textOf } from "../hints/hint.js";

const JPEG = "image/jpeg";
const SUFFIXES = { [JPEG]: "jpg", "image/png": "png" };
const PAIR = "pair"; // In place of a type.
// No browser tells when a download has been written.
const DOWNLOAD_TIME = 60_000; // Milliseconds.

export class Saver {
  #encoder;
  #format;

  /**
   * @param {WorkerClient} encoder of a `rendering` worker.
   * @param {HTMLSelectElement} format the chosen one.
   */
  constructor(encoder, format) {
    this.#encoder = encoder;
    this.#format = format;
  }

  /** @param {Photo} photo to save; a remark says if it cannot be. */
  async save(photo) {
    for (const { name, input } of await this.#filesOf(photo)) {
      download(input, name);
    }
  }

  /**
   * Saves photos as one ZIP, which takes them one after the other.
   *
   * @param {Photo[]} photos
   * @param {AbortSignal} signal stops it.
   */
  async saveAll(photos, signal) {
    const content = await downloadZip(this.#allFiles(photos, signal)).blob();
    if (!signal.aborted) download(content, "colorized_photos.zip");
  }

  /** @param {Photo} photo whose hints to save. */
  saveHints(photo) {
    const { name, input } = hintFile(photo);
    download(input, name);
  }

  async *#allFiles(photos, signal) {
    const names = new Set();
    for (const photo of photos) {
      if (signal.aborted) return;
      const files = await this.#filesOf(photo);
      if (photo.hints.length) files.push(hintFile(photo));
      for (const { name, input } of files) {
        yield { name: unusedName(name, names), input };
      }
    }
  }

  async #filesOf(photo) {
    photo.update({ activity: "Preparing the file …" });
    try {
      return [await this.#encoded(photo)];
    } catch (error) {
      photo.update({ note: `Not saved: ${error.message}` });
      return [];
    } finally {
      photo.update({ activity: "" });
    }
  }

  async #encoded(photo) {
    await photo.recoloring;
    const { file, turn, colors, factor: saturation } = photo;
    const argument = { file, turn, colors, saturation };
    if (this.#format.value === PAIR) {
      const { result } = await this.#encoder.call("encodePair", argument);
      return { name: `${photo.stem}_before_after.jpg`, input: result };
    }
    const type = this.#format.value || typeLike(file);
    const { result } = await this.#encoder.call("encode", { ...argument, type });
    const name = `${photo.stem}_colorized.${SUFFIXES[type]}`;
    return { name, input: result };
  }
}

// `keras-colorizer colorize` finds it beside the photo.
function hintFile({ file, hintsOfFile }) {
  const input = new Blob([textOf(hintsOfFile)], { type: "application/json" });
  return { name: `${file.name}.hints.json`, input };
}

// Other formats may hold transparency, which a JPEG cannot.
function typeLike({ type }) {
  return type === JPEG ? JPEG : "image/png";
}

/**
 * Numbers a file whose name another one has, and notes the name.
 *
 * @param {string} name
 * @param {Set<string>} names in use.
 * @returns {string}
 */
export function unusedName(name, names) {
  let free = name;
  for (let i = 2; names.has(free); i++) {
    free = name.replace(/(\.[^.]*)?$/, ` (${i})$1`);
  }
  names.add(free);
  return free;
}

function download(blob, name) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_TIME);
}
