// One photo: its file, its state, its colors.

import { factorFor } from "../color/saturation.js";
import { turned } from "../hints/hint.js";
import { History } from "../hints/history.js";

export class Photo extends EventTarget {
  /**
   * Fires `change` whenever a field changes, and `recolor` when hints or the
   * saturation do, on which its colors then depend.
   *
   * @param {File} file
   */
  constructor(file) {
    super();
    this.file = file;
    this.saturation = 1; // Or `auto`.
    this.turn = 0; // Quarter turns to the right.
    this.history = new History([]); // Of its hints.
    this.isWithoutHints = false; // Whether it is shown so.
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
    return this.plain ? factorFor(this.saturation, this.plain.ab) : 1;
  }

  /** The colors to show, or null. */
  get shown() {
    return this.isWithoutHints ? this.plain : this.colors;
  }

  /** See `hint.js`. */
  get hints() {
    return this.history.present;
  }

  /** The hints, as they lie on the photo before it was turned by hand. */
  get hintsOfFile() {
    return turned(this.hints, (4 - this.turn) % 4);
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
    this.history.map((hints) => turned(hints, (quarters + 4) % 4));
    this.reset();
  }

  /** @param {number|string} saturation a factor or `auto`. */
  saturate(saturation) {
    this.update({ saturation });
    this.dispatchEvent(new Event("recolor"));
  }

  /**
   * Changes the hints.
   *
   * @param {(history: History) => void} act
   */
  changeHints(act) {
    act(this.history);
    this.update({ isWithoutHints: false });
    this.dispatchEvent(new Event("recolor"));
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
    this.plain = null; // Those without hints.
    this.lightness = null; // The network's view.
    this.recoloring = null; // A promise, while hints are being applied.
    this.thumbnail = null;
  }
}
