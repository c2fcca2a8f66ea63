// Runs a few tasks at once, in the order they came.

export class Queue {
  #waiting = [];
  #running = 0;

  /** @param {number} atOnce how many tasks may run at the same time. */
  constructor(atOnce) {
    this.atOnce = atOnce;
  }

  /** @param {() => Promise<void>} task which must not fail. */
  add(task) {
    this.#waiting.push(task);
    this.#start();
  }

  async #start() {
    if (this.#running === this.atOnce || this.#waiting.length === 0) return;
    this.#running += 1;
    await this.#waiting.shift()();
    this.#running -= 1;
    this.#start();
  }
}
