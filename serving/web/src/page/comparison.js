// A photo before and after, with a divider to move between both.

export class Comparison {
  #element;
  #before;
  #after;
  #split;

  /** @param {HTMLElement} element holds the canvases and the slider. */
  constructor(element) {
    this.#element = element;
    this.#before = element.querySelector(".before");
    this.#after = element.querySelector(".after");
    this.#split = element.querySelector("input");
    this.#split.addEventListener("input", () => this.#divide());
    element.addEventListener("pointerdown", (event) => this.#grab(event));
    element.addEventListener("pointermove", (event) => this.#drag(event));
    this.#divide();
  }

  /**
   * @param {string} name of the photo, for screen readers.
   * @param {ImageBitmap} before
   * @param {?ImageBitmap} after null while there is none yet.
   */
  show(name, before, after) {
    this.#element.style.setProperty("--ratio", before.width / before.height);
    this.#before.setAttribute("aria-label", `${name}, before`);
    this.#after.setAttribute("aria-label", `${name}, colorized`);
    paint(this.#before, before);
    this.#element.classList.add("begun");
    this.#element.classList.toggle("complete", Boolean(after));
    this.#split.disabled = !after;
    if (after) this.repaint(after);
  }

  /** Removes both pictures. */
  clear() {
    this.#element.classList.remove("begun", "complete");
    this.#split.disabled = true;
  }

  /** @param {ImageBitmap} after replaces the second picture. */
  repaint(after) {
    paint(this.#after, after);
  }

  /** @param {string} text over the pictures, while they are not ready. */
  veil(text) {
    this.#element.querySelector(".veil").textContent = text;
  }

  #divide() {
    const percent = this.#split.value;
    this.#element.style.setProperty("--split", `${percent}%`);
    this.#split.setAttribute(
      "aria-valuetext",
      `${percent} % before, ${100 - percent} % after`,
    );
  }

  #grab(event) {
    if (event.button !== 0 || this.#split.disabled) return;
    event.preventDefault();
    this.#split.focus({ focusVisible: false });
    this.#element.setPointerCapture(event.pointerId);
    this.#moveTo(event);
  }

  #drag(event) {
    if (this.#element.hasPointerCapture(event.pointerId)) this.#moveTo(event);
  }

  #moveTo({ clientX }) {
    const { left, width } = this.#element.getBoundingClientRect();
    this.#split.value = (100 * (clientX - left)) / width;
    this.#divide();
  }
}

function paint(canvas, picture) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(picture);
}
