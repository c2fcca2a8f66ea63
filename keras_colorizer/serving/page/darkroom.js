// Where results are looked at and finished, in a worker.

import { reasonOf, startWorker } from "./workers.js";

const WORKER = "darkroom_worker.js";

export class Darkroom {
  #worker = startWorker(WORKER);
  #last = Promise.resolve();

  /**
   * Makes the pictures to show of a photo.
   *
   * @param {Photo} photo whose `sent` is known.
   * @param {number} side the longer one, in pixels; smaller photos keep theirs.
   * @returns {Promise<{before: ImageBitmap, after: ?ImageBitmap}>}
   * @throws {Error} a sentence.
   */
  look(photo, side) {
    const { sent: before, result: after, saturation } = photo;
    return this.#do("look", { before, after, saturation, side });
  }

  /**
   * Makes the second picture of the last look anew.
   *
   * @param {number} saturation 0 is grey, 1 as predicted.
   * @returns {Promise<{after: ImageBitmap}>}
   */
  saturate(saturation) {
    return this.#do("saturate", { saturation });
  }

  // One after the other: answers come in the order of what was asked.
  #do(task, order) {
    const turn = this.#last.then(() => answerOf(this.#worker, task, order));
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/**
 * Returns a photo's result at full size and at its saturation.
 *
 * @param {Photo} photo which is done.
 * @returns {Promise<Blob>} a PNG, the server's own where nothing is changed.
 * @throws {Error} a sentence.
 */
export async function developed({ result, saturation }) {
  if (saturation === 1) return result;
  const worker = startWorker(WORKER);
  try {
    const order = { result, saturation };
    return (await answerOf(worker, "develop", order)).result;
  } finally {
    worker.terminate();
  }
}

function answerOf(worker, task, order) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data: { made, sentence } }) =>
      made ? resolve(made) : reject(new Error(sentence));
    worker.onerror = (event) => reject(new Error(reasonOf(event)));
    worker.postMessage({ task, order });
  });
}
