// The list of a photo's hints, for keyboards, screen readers and mice.

import { nameOf } from "../color/name.js";

export class HintList {
  #list;
  #template;
  #on;

  /**
   * @param {HTMLOListElement} list
   * @param {HTMLTemplateElement} template of a row.
   * @param {object} on
   * @param {(number: number) => void} on.choose
   * @param {(number: number) => void} on.remove
   * @param {(number: number, shift: object) => void} on.shift by arrow key.
   */
  constructor(list, template, on) {
    this.#list = list;
    this.#template = template;
    this.#on = on;
  }

  /**
   * @param {object[]} hints
   * @param {?number} chosen the hint that the palette is for.
   */
  draw(hints, chosen) {
    const rows = this.#list.children;
    while (rows.length > hints.length) rows[rows.length - 1].remove();
    while (rows.length < hints.length) this.#append(rows.length);
    for (const [i, hint] of hints.entries()) {
      const name = nameOf(hint.color);
      const [button, remove] = rows[i].querySelectorAll("button");
      button.ariaCurrent = i === chosen ? "true" : null;
      button.querySelector(".dot").style.background = hint.color;
      button.querySelector(".name").textContent = name;
      button.querySelector(".state").textContent = textOf(hint);
      button.ariaLabel = `Hint ${i + 1}: ${name}, ${textOf(hint)}`;
      remove.ariaLabel = `Remove hint ${i + 1}`;
    }
  }

  /** Gives the keyboard to a row, or to the last one. */
  focus(number) {
    const rows = this.#list.children;
    const row = rows[Math.min(number, rows.length - 1)];
    row?.querySelector("button").focus();
    return Boolean(row);
  }

  #append(number) {
    const row = this.#template.content.cloneNode(true).firstElementChild;
    const [button, remove] = row.querySelectorAll("button");
    button.querySelector(".dot").textContent = number + 1;
    button.onclick = () => this.#on.choose(number);
    remove.onclick = () => this.#on.remove(number);
    button.onkeydown = (event) => {
      const shift = shiftOf(event);
      if (shift) this.#on.shift(number, shift);
      else if (event.key === "Delete") this.#on.remove(number);
      else return;
      event.preventDefault();
    };
    this.#list.append(row);
  }
}

/**
 * Returns how far an arrow key moves a place.
 *
 * @param {KeyboardEvent} event
 * @returns {?{x: number, y: number}} null for other keys.
 */
export function shiftOf({ key, shiftKey }) {
  const step = shiftKey ? 0.05 : 0.01;
  const shifts = {
    ArrowLeft: { x: -step, y: 0 },
    ArrowRight: { x: step, y: 0 },
    ArrowUp: { x: 0, y: -step },
    ArrowDown: { x: 0, y: step },
  };
  return shifts[key] ?? null;
}

/**
 * Moves a place, but not out of the photo.
 *
 * @param {object} place
 * @param {{x: number, y: number}} shift
 * @returns {{x: number, y: number}}
 */
export function shifted(place, shift) {
  const inside = (value) => Math.min(Math.max(value, 0), 1);
  return { x: inside(place.x + shift.x), y: inside(place.y + shift.y) };
}

/** Describes a place. */
export function textOf({ x, y }) {
  const [across, down] = [x, y].map((share) => Math.round(100 * share));
  return `${across} % across, ${down} % down`;
}
