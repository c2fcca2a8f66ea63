// A photo before and after, with a divider between both, magnified or not.

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
    this.#split.setAttribute(
      "aria-valuetext",
      `${before} % before, ${100 - before} % after`,
    );
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

function percent(share) {
  return `${100 * share}%`;
}
