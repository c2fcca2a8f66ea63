// The chosen photo: compared, saturated, saved.

import { Comparison } from "./comparison.js";

const SIDE = 1600; // Pixels of the longer side: enough for a screen.

export class Viewer {
  #element;
  #renderer;
  #comparison;
  #photo = null;
  #previewed = null; // The colors, or the file without any, that are shown.
  #isSaturating = false;

  /**
   * @param {HTMLElement} element
   * @param {WorkerClient} renderer of a `rendering` worker.
   * @param {object} on
   * @param {(photo: Photo) => void} on.save
   * @param {(saturation: number) => void} on.saturateAll
   */
  constructor(element, renderer, on) {
    this.#element = element;
    this.#renderer = renderer;
    this.#comparison = new Comparison(this.#part(".comparison"));
    this.#slider.addEventListener("input", () => this.#saturate());
    this.#part("#save").onclick = () => on.save(this.#photo);
    this.#part("#for-all").onclick = () =>
      on.saturateAll(this.#photo.saturation);
  }

  get photo() {
    return this.#photo;
  }

  /** @param {Photo} photo to show from now on. */
  show(photo) {
    this.#photo = photo;
    this.#previewed = null;
    this.#comparison.clear();
    this.#element.hidden = false;
    this.update();
  }

  /** Shows the photo's present state. */
  update() {
    const { file, activity, note, trouble, colors, saturation } = this.#photo;
    this.#part("#shown").textContent = file.name;
    this.#part(".note").textContent = activity || note;
    this.#part(".trouble").textContent = trouble;
    this.#part(".frame").hidden = Boolean(trouble);
    this.#slider.value = saturation;
    for (const id of ["saturation", "save", "for-all"]) {
      this.#part(`#${id}`).disabled = !colors;
    }
    this.#labelSaturation();
    this.#comparison.veil(this.#photo.isOver ? "" : "Coloring …");
    this.#preview();
  }

  get #slider() {
    return this.#part("#saturation");
  }

  #part(selector) {
    return this.#element.querySelector(selector);
  }

  async #preview() {
    const photo = this.#photo;
    const { file, colors, saturation, stage } = photo;
    const previewed = colors ?? (stage === "coloring" ? file : null);
    if (previewed === null || previewed === this.#previewed) return;
    this.#previewed = previewed;
    const argument = { file, colors, saturation, side: SIDE };
    try {
      const made = await this.#renderer.call("preview", argument);
      if (this.#previewed !== previewed) return;
      this.#comparison.show(file.name, made.before, made.after);
    } catch (error) {
      if (stage === "done") photo.update({ note: error.message });
    }
  }

  #saturate() {
    this.#photo.saturation = Number(this.#slider.value);
    this.#labelSaturation();
    if (!this.#isSaturating) this.#repaint();
  }

  // Of all values that the slider takes in the meantime, the last comes next.
  async #repaint() {
    this.#isSaturating = true;
    const photo = this.#photo;
    const asked = photo.saturation;
    try {
      const { after } = await this.#renderer.call("saturate", asked);
      if (this.#photo === photo) this.#comparison.repaint(after);
    } catch (error) {
      photo.update({ note: error.message });
    }
    this.#isSaturating = false;
    const { colors, saturation } = this.#photo;
    if (colors && saturation !== asked) this.#repaint();
  }

  #labelSaturation() {
    const factor = this.#photo.saturation.toFixed(2);
    this.#part("output").textContent = `× ${factor}`;
    this.#slider.setAttribute("aria-valuetext", `${factor} times`);
  }
}
