// One photo: its file, its state, its colors.

import { factorFor } from "../color/saturation.js";

export class Photo extends EventTarget {
  /**
   * Fires `change` whenever a field changes.
   *
   * @param {File} file
   */
  constructor(file) {
    super();
    this.file = file;
    this.saturation = 1; // Or `auto`.
    this.turn = 0; // Quarter turns to the right.
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

  /** The factor on ab; 1 while that is not known. */
  get factor() {
    return this.colors ? factorFor(this.saturation, this.colors.ab) : 1;
  }

  /** The colors to show, or null. */
  get shown() {
    return this.colors;
  }

  /** The file's name without its suffix. */
  get stem() {
    return this.file.name.replace(/\.[^.]*$/, "");
  }

  /** Resets all but the file and the choices. */
  reset() {
    this.#clear();
    this.dispatchEvent(new Event("change"));
  }

  /** @param {number} quarters to the right, 1 or -1. */
  rotate(quarters) {
    this.turn = (this.turn + quarters + 4) % 4;
    this.reset();
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
