// One photo: its file, its state, its colors.

export class Photo extends EventTarget {
  /**
   * Fires `change` whenever a field changes but the saturation.
   *
   * @param {File} file
   */
  constructor(file) {
    super();
    this.file = file;
    this.saturation = 1;
    this.#clear();
  }

  /** True once there are colors, or the reason why there are none. */
  get isOver() {
    return ["done", "failed"].includes(this.stage);
  }

  /** The sentence that says why there are no colors; else empty. */
  get trouble() {
    return this.stage === "failed" ? this.sentence : "";
  }

  /**
   * @param {string} suffix of the file, without a full stop.
   * @returns {string} the name of the colored photo's file.
   */
  resultName(suffix) {
    return `${this.file.name.replace(/\.[^.]*$/, "")}_colorized.${suffix}`;
  }

  /** Resets all but the file and the saturation. */
  reset() {
    this.#clear();
    this.dispatchEvent(new Event("change"));
  }

  /** @param {object} fields and their new values. */
  update(fields) {
    Object.assign(this, fields);
    this.dispatchEvent(new Event("change"));
  }

  #clear() {
    this.stage = "waiting"; // Then preparing, coloring, done or failed.
    this.sentence = "";
    this.note = ""; // A remark on the result.
    this.activity = ""; // Shown while the result is being saved.
    this.colors = null; // `{ ab, side }`, see `coloredRoots`.
    this.thumbnail = null;
  }
}
