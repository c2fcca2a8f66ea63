// Where results are looked at and finished, in workers.

import { Assistant } from "./workers.js";

export class Darkroom {
  #looking;
  #developing; // By another one: it may take seconds.

  /** @param {() => Worker} start which starts one that works in a darkroom. */
  constructor(start) {
    this.#looking = new Assistant(start);
    this.#developing = new Assistant(start);
  }

  /**
   * Makes the pictures to show of a photo.
   *
   * @param {Photo} photo whose `before` is known.
   * @param {number} side the longer one, in pixels; smaller photos keep theirs.
   * @returns {Promise<{before: ImageBitmap, after: ?ImageBitmap}>}
   * @throws {Error} a sentence.
   */
  look({ before, result, saturation }, side) {
    return this.#looking.ask("look", { before, result, saturation, side });
  }

  /**
   * Makes the second picture of the last look anew.
   *
   * @param {number} saturation 0 is grey, 1 as predicted.
   * @returns {Promise<{after: ImageBitmap}>}
   */
  saturate(saturation) {
    return this.#looking.ask("saturate", { saturation });
  }

  /**
   * Makes a photo's result at full size and at its saturation.
   *
   * @param {Photo} photo which is done.
   * @param {string} type of the file, of those that the worker can write.
   * @returns {Promise<Blob>}
   * @throws {Error} a sentence.
   */
  async develop({ before, result, saturation }, type) {
    const order = { before, result, saturation, type };
    return (await this.#developing.ask("develop", order)).result;
  }
}
