// One photo on its way: what is known of it, and the news of it.

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

  /**
   * @param {string} suffix of the file, without a full stop.
   * @returns {string} what to name a saved result.
   */
  resultName(suffix) {
    return `${this.file.name.replace(/\.[^.]*$/, "")}_colorized.${suffix}`;
  }

  /** Puts it back in line, as if it had just been picked. */
  reset() {
    this.#reset();
    this.#announce();
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
    this.before = null; // The file that is colored.
    this.result = null; // What makes its colors, for the darkroom.
    this.thumbnail = null;
  }

  #announce() {
    this.dispatchEvent(new Event("change"));
  }
}
