// One photo on its way: what is known of it, and the news of it.

import { reasonOf, startWorker } from "./workers.js";

export class Photo extends EventTarget {
  /**
   * Fires `change` whenever a field changes but the saturation.
   *
   * @param {File} file as picked.
   */
  constructor(file) {
    super();
    this.file = file;
    this.saturation = 1;
    this.#reset();
  }

  /** True once there is a result, or the reason why there is none. */
  get isOver() {
    return ["done", "failed"].includes(this.stage);
  }

  /** The sentence that says why there is no result; else empty. */
  get trouble() {
    return this.stage === "failed" ? this.sentence : "";
  }

  /** What to name a saved result. */
  get resultName() {
    return `${this.file.name.replace(/\.[^.]*$/, "")}_colorized.png`;
  }

  /** Puts it back in line, as if it had just been picked. */
  reset() {
    this.#reset();
    this.#announce();
  }

  /**
   * Has it colorized; never fails, but tells what went wrong in `sentence`.
   *
   * @param {string} url of the model.
   * @returns {Promise<void>} resolved when it is over.
   */
  async colorize(url) {
    const worker = startWorker("colorizing_worker.js");
    await new Promise((over) => {
      worker.onmessage = ({ data }) => {
        this.learn(data);
        if (this.isOver) over();
      };
      worker.onerror = (event) => {
        this.learn({ stage: "failed", sentence: reasonOf(event) });
        over();
      };
      worker.postMessage({ file: this.file, url });
    });
    worker.terminate();
  }

  /** @param {object} news fields and their new values. */
  learn(news) {
    const thumbnail = news.thumbnail ?? this.thumbnail;
    Object.assign(this, news, { thumbnail });
    this.#announce();
  }

  #reset() {
    this.stage = "waiting";
    this.sentence = ""; // Why it failed, or waits.
    this.note = ""; // What to know about the result.
    this.activity = ""; // What is being done with the result.
    this.sent = null; // The file that the server is sent.
    this.result = null; // The file that it answered with.
    this.thumbnail = null;
  }

  #announce() {
    this.dispatchEvent(new Event("change"));
  }
}
