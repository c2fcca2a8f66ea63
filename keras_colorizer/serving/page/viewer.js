// The photo on show: compared, saturated, saved.

import { Comparison } from "./comparison.js";

const SIDE = 1600; // Pixels of a picture on show: enough for a screen.

export class Viewer {
  #darkroom;
  #comparison;
  #photo = null;
  #looked = null; // What of it is on show.
  #isSaturating = false;

  /**
   * @param {HTMLElement} element
   * @param {Darkroom} darkroom where its pictures are made.
   * @param {object} on
   * @param {(photo: Photo) => void} on.download
   * @param {(saturation: number) => void} on.saturateAll
   */
  constructor(element, darkroom, on) {
    this.element = element;
    this.#darkroom = darkroom;
    this.#comparison = new Comparison(this.#part(".comparison"));
    this.#saturation.addEventListener("input", () => this.#saturate());
    this.#part("#download").onclick = () => on.download(this.#photo);
    this.#part("#for-all").onclick = () =>
      on.saturateAll(this.#photo.saturation);
  }

  get photo() {
    return this.#photo;
  }

  /** @param {Photo} photo to show from now on. */
  show(photo) {
    this.#photo = photo;
    this.#looked = null;
    this.#comparison.clear();
    this.element.hidden = false;
    this.update();
  }

  /** Shows what has changed about the photo. */
  update() {
    const { file, activity, note, trouble, result, saturation } = this.#photo;
    this.#part("#shown").textContent = file.name;
    this.#part(".note").textContent = activity || note;
    this.#part(".trouble").textContent = trouble;
    this.#part(".frame").hidden = Boolean(trouble);
    this.#saturation.value = saturation;
    for (const id of ["saturation", "download", "for-all"]) {
      this.#part(`#${id}`).disabled = !result;
    }
    this.#nameSaturation();
    this.#comparison.veil(this.#photo.isOver ? "" : "Coloring …");
    this.#look();
  }

  get #saturation() {
    return this.#part("#saturation");
  }

  #part(selector) {
    return this.element.querySelector(selector);
  }

  async #look() {
    const photo = this.#photo;
    const looked = photo.result ?? photo.before;
    if (looked === null || looked === this.#looked) return;
    this.#looked = looked;
    try {
      const { before, after } = await this.#darkroom.look(photo, SIDE);
      if (this.#looked !== looked) return;
      this.#comparison.show(photo.file.name, before, after);
    } catch (error) {
      if (photo.stage === "done") photo.learn({ note: error.message });
    }
  }

  #saturate() {
    this.#photo.saturation = Number(this.#saturation.value);
    this.#nameSaturation();
    if (!this.#isSaturating) this.#repaint();
  }

  // What is asked for while a picture is being made is made next, once.
  async #repaint() {
    this.#isSaturating = true;
    const photo = this.#photo;
    const asked = photo.saturation;
    try {
      const { after } = await this.#darkroom.saturate(asked);
      if (this.#photo === photo) this.#comparison.repaint(after);
    } catch (error) {
      photo.learn({ note: error.message });
    }
    this.#isSaturating = false;
    const { result, saturation } = this.#photo;
    if (result && saturation !== asked) this.#repaint();
  }

  #nameSaturation() {
    const factor = this.#photo.saturation.toFixed(2);
    this.#part("output").textContent = `× ${factor}`;
    this.#saturation.setAttribute("aria-valuetext", `${factor} times`);
  }
}
