// Work beside the page, so that the page itself never stands still.

/** A worker that does one thing after the other, and starts anew if it dies. */
export class Assistant {
  #start;
  #worker;
  #last = Promise.resolve();

  /** @param {() => Worker} start which starts it; done at once. */
  constructor(start) {
    this.#start = start;
    this.#hire();
  }

  /**
   * Has something done, after all that was asked for before.
   *
   * @param {string} task of those that the worker knows.
   * @param {object} order what the task takes.
   * @returns {Promise<object>} what it has made.
   * @throws {Error} a sentence.
   */
  ask(task, order) {
    const turn = this.#last.then(() => this.#answer(task, order));
    this.#last = turn.catch(() => {});
    return turn;
  }

  #hire() {
    this.#worker = this.#start();
    this.#worker.onerror = () => this.#dismiss();
  }

  #dismiss() {
    this.#worker.terminate();
    this.#worker = null;
  }

  #answer(task, order) {
    if (this.#worker === null) this.#hire();
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data: { made, sentence } }) =>
        made ? resolve(made) : reject(new Error(sentence));
      this.#worker.onerror = (event) => {
        this.#dismiss();
        reject(new Error(reasonOf(event)));
      };
      this.#worker.postMessage({ task, order });
    });
  }
}

/**
 * Has a worker do what an `Assistant` asks for.
 *
 * @param {Object<string, (order: object) => Promise<object>>} tasks which
 *   return an object of what they have made; pictures in it change hands.
 */
export function assist(tasks) {
  self.onmessage = async ({ data: { task, order } }) => {
    try {
      const made = await tasks[task](order);
      self.postMessage({ made }, Object.values(made).filter(isPicture));
    } catch (error) {
      self.postMessage({ sentence: error.message });
    }
  };
}

/**
 * Returns a sentence on why a worker failed, outside of what it reports itself.
 *
 * @param {ErrorEvent} event without a message if it could not even be loaded.
 * @returns {string}
 */
export function reasonOf({ message }) {
  return message
    ? `The browser gave up: ${message}`
    : "A part of this page could not be loaded: is there a network, and does " +
        "its server run?";
}

function isPicture(thing) {
  return thing instanceof ImageBitmap;
}
