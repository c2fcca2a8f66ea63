// A photo before and after, with a divider between both, magnified or not.

import { hexOf } from "../color/lab.js";

const SAMPLE = 5; // Pixels of each side of a square whose mean is a color.
const BADGE = 12; // Percents of the frame that the word on a side needs.
const MAGNIFIED = 40; // Pixels of a loupe's side, in the picture.

export class Comparison {
  #element;
  #split;
  #pictures;
  #view;

  /**
   * @param {HTMLElement} element holds the canvases and the slider.
   * @param {View} view of the photo.
   */
  constructor(element, view) {
    this.#element = element;
    this.#view = view;
    this.#split = element.querySelector("input");
    this.#pictures = ["before", "after"].map((name) =>
      element.querySelector(`.${name}`),
    );
    this.#split.addEventListener("input", () => this.divide());
    this.divide();
  }

  /** Whether both pictures are there. */
  get isComplete() {
    return !this.#split.disabled;
  }

  /** CSS pixels of the frame. */
  get width() {
    return this.#element.clientWidth;
  }

  /** The divider's place, of the frame's width. */
  get divider() {
    return this.#split.value / 100;
  }

  /**
   * @param {string} name of the photo, for screen readers.
   * @param {number} ratio of its width to its height.
   * @param {ImageBitmap} picture as it was.
   */
  begin(name, ratio, picture) {
    const [before, after] = this.#pictures.map((element) =>
      element.querySelector("canvas"),
    );
    this.#element.style.setProperty("--ratio", ratio);
    before.setAttribute("aria-label", `${name}, before`);
    after.setAttribute("aria-label", `${name}, colorized`);
    paint(before, picture);
    this.#element.classList.add("begun");
  }

  /** @param {ImageBitmap} picture with its colors. */
  color(picture) {
    paint(this.#pictures[1].querySelector("canvas"), picture);
    this.#element.classList.add("complete");
    this.#split.disabled = false;
  }

  /**
   * Lays a part over the pictures, at its full resolution.
   *
   * @param {number} side 0 for before, 1 for after.
   * @param {ImageBitmap} picture
   * @param {object} place as `partOf` takes it.
   */
  detail(side, picture, { left, top, columns, rows, width, height }) {
    const canvas = this.#pictures[side].querySelector(".detail");
    paint(canvas, picture);
    canvas.hidden = false;
    canvas.style.left = percent(left / width);
    canvas.style.top = percent(top / height);
    canvas.style.width = percent(columns / width);
    canvas.style.height = percent(rows / height);
  }

  /** Removes both parts. */
  hideDetails() {
    for (const canvas of this.#element.querySelectorAll(".detail")) {
      canvas.hidden = true;
    }
  }

  /** Removes both pictures. */
  clear() {
    this.#element.classList.remove("begun", "complete");
    this.#split.disabled = true;
    this.hideDetails();
  }

  /** Returns the CSS pixels of a place of the photo, in the frame's parent. */
  pixelOf(place) {
    const { offsetLeft, clientWidth, clientHeight } = this.#element;
    const { x, y } = this.#view.frameOf(place);
    return { x: offsetLeft + x * clientWidth, y: y * clientHeight };
  }

  /** Returns the color that is seen at a place of the photo, `#rrggbb`. */
  colorAt(place) {
    const canvas = new OffscreenCanvas(SAMPLE, SAMPLE);
    this.#copy(place, SAMPLE, canvas);
    const context = canvas.getContext("2d");
    const { data } = context.getImageData(0, 0, SAMPLE, SAMPLE);
    const sums = [0, 0, 0].map((_, channel) =>
      data.reduce((sum, value, i) => sum + (i % 4 === channel && value), 0),
    );
    return hexOf(sums.map((sum) => Math.round(sum / SAMPLE ** 2)));
  }

  /** @param {?object} place of the photo under a loupe, if there is one. */
  magnify(place) {
    const loupe = this.#element.querySelector(".loupe");
    loupe.hidden = place === null;
    if (place === null) return;
    this.#copy(place, MAGNIFIED, loupe);
    encircle(loupe);
    const { x, y } = this.#view.frameOf(place);
    loupe.style.left = percent(x);
    loupe.style.top = percent(y);
    loupe.classList.toggle("below", y < 0.4);
  }

  /** Sets or takes away a state of the frame, for its looks. */
  mark(state, isSet) {
    this.#element.classList.toggle(state, isSet);
  }

  // Draws the surroundings of a place, as they are seen.
  #copy(place, side, canvas) {
    const isAfter = this.#view.frameOf(place).x >= this.divider;
    const seen = this.#pictures[Number(isAfter)].querySelector("canvas");
    const left = inside(place.x * seen.width - side / 2, seen.width - side);
    const top = inside(place.y * seen.height - side / 2, seen.height - side);
    const { width, height } = canvas;
    const context = canvas.getContext("2d");
    context.drawImage(seen, left, top, side, side, 0, 0, width, height);
  }

  /** Follows the view. */
  place() {
    const { x, y, scale } = this.#view;
    const { style, classList } = this.#element;
    style.setProperty("--left", percent(-x * scale));
    style.setProperty("--top", percent(-y * scale));
    style.setProperty("--scale", percent(scale));
    classList.toggle("magnified", scale > 1);
  }

  /** @param {string} text over the pictures, while they are not ready. */
  veil(text) {
    this.#element.querySelector(".veil").textContent = text;
  }

  /** @param {number} divider its place, of the frame's width. */
  divide(divider = this.divider) {
    this.#split.value = 100 * divider;
    const before = this.#split.value;
    this.#element.style.setProperty("--split", `${before}%`);
    this.mark("all-after", before < BADGE);
    this.mark("all-before", before > 100 - BADGE);
    this.#split.setAttribute(
      "aria-valuetext",
      `${before} % before, ${100 - before} % after`,
    );
  }

  /** Moves the divider off, if the colors of a place lie under it. */
  uncover(place) {
    if (this.#view.frameOf(place).x < this.divider) this.divide(0);
  }

  /** Gives the keyboard to the divider. */
  focus() {
    this.#split.focus({ focusVisible: false });
  }
}

function paint(canvas, picture) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(picture);
}

// Marks the center of a loupe.
function encircle(loupe) {
  const context = loupe.getContext("2d");
  for (const [color, radius] of [["#000", 9], ["#fff", 7.5]]) {
    context.beginPath();
    context.arc(loupe.width / 2, loupe.height / 2, radius, 0, 2 * Math.PI);
    context.strokeStyle = color;
    context.stroke();
  }
}

function inside(value, most) {
  return Math.max(0, Math.min(Math.round(value), most));
}

function percent(share) {
  return `${100 * share}%`;
}
