// The palette beside a place: suggested colors, a color field, an eyedropper.

import { nameOf } from "../color/name.js";

const BESIDE = 24; // CSS pixels from the place.

export class Palette {
  #element;
  #on;
  #isContinuing = false;

  /**
   * @param {HTMLElement} element
   * @param {object} on
   * @param {(color: string, isContinuing: boolean) => void} on.choose a color
   *   `#rrggbb`; continuing, it takes the place of the one before.
   * @param {() => void} on.pick starts the eyedropper.
   * @param {() => void} on.remove
   * @param {() => void} on.close
   */
  constructor(element, on) {
    this.#element = element;
    this.#on = on;
    const field = this.#part("input");
    field.oninput = () => {
      on.choose(field.value, this.#isContinuing);
      this.#isContinuing = true;
    };
    field.onchange = () => (this.#isContinuing = false);
    this.#part(".pick").onclick = () => on.pick();
    this.#part(".remove").onclick = () => on.remove();
    this.#part(".close").onclick = () => on.close();
  }

  get isOpen() {
    return !this.#element.hidden;
  }

  /**
   * @param {object} shown
   * @param {string} shown.title
   * @param {string[]} shown.colors suggested.
   * @param {?string} shown.color of the hint, if there is one.
   */
  open({ title, colors, color }) {
    this.#isContinuing = false;
    this.#part("h3").textContent = title;
    const swatches = colors.map((each) => this.#swatch(each));
    this.#part(".swatches").replaceChildren(...swatches);
    this.#part("input").value = color ?? colors[0];
    this.#element.hidden = false;
    this.mark(color);
  }

  /** @param {?string} color of the hint, if there is one. */
  mark(color) {
    for (const swatch of this.#part(".swatches").children) {
      swatch.ariaPressed = String(swatch.value === color);
    }
    if (color) this.#part("input").value = color;
    this.#part(".remove").hidden = !color;
  }

  /** Lays itself beside a place of the element that it lies in. */
  place({ x, y }) {
    const { style, offsetWidth, offsetHeight, offsetParent } = this.#element;
    if (!offsetParent) return; // On phones, it lies at the lower edge.
    const { clientWidth, clientHeight } = offsetParent;
    const isRight = x + BESIDE + offsetWidth <= clientWidth;
    const left = isRight ? x + BESIDE : x - BESIDE - offsetWidth;
    const top = y - offsetHeight / 2;
    const lowest = clientHeight - offsetHeight;
    style.setProperty("--x", `${Math.max(0, left)}px`);
    style.setProperty("--y", `${Math.max(0, Math.min(top, lowest))}px`);
  }

  /** Gives the keyboard to the first suggestion. */
  focus() {
    this.#part(".swatches button").focus();
  }

  close() {
    this.#element.hidden = true;
  }

  #part(selector) {
    return this.#element.querySelector(selector);
  }

  #swatch(color) {
    const button = document.createElement("button");
    button.type = "button";
    button.value = color;
    button.style.background = color;
    button.ariaLabel = `${nameOf(color)}, ${color}`;
    button.title = nameOf(color);
    button.onclick = () => this.#on.choose(color, false);
    return button;
  }
}
