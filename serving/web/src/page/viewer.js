// The chosen photo: compared, magnified, turned, given hints, saturated, saved.

import { AUTO } from "../color/saturation.js";
import { HintEditor } from "../hints/editor.js";
import { Comparison } from "./comparison.js";
import { Gestures } from "./gestures.js";
import { Painter } from "./painter.js";
import { View } from "./view.js";

const STEP = 1.5; // Of a magnification by button.
const LARGEST_PIXEL = 4; // CSS pixels of a photo's pixel.
const CENTER = { x: 0.5, y: 0.5 };

export class Viewer {
  #element;
  #comparison;
  #painter;
  #editor;
  #view = new View();
  #network;
  #photo = null;
  #turn = 0;

  /**
   * @param {HTMLElement} element
   * @param {WorkerClient} renderer of a `rendering` worker.
   * @param {Network} network
   * @param {object} on
   * @param {(photo: Photo) => void} on.save
   * @param {(photo: Photo, quarters: number) => void} on.rotate
   * @param {(saturation: number|string) => void} on.saturateAll
   * @param {(photo: Photo) => void} on.choose another photo.
   * @param {(photo: Photo) => void} on.saveHints
   */
  constructor(element, renderer, network, on) {
    this.#element = element;
    this.#network = network;
    const frame = this.#part(".comparison");
    this.#comparison = new Comparison(frame, this.#view);
    this.#painter = new Painter(renderer, this.#comparison, this.#view);
    this.#editor = new HintEditor(element, this.#comparison, this.#view, {
      look: () => this.#look(),
      show: on.choose,
      save: on.saveHints,
    });
    new Gestures(frame, this.#gestures(frame));
    network.addEventListener("change", () => this.#photo && this.update());
    this.#slider.oninput = () => this.#saturate(Number(this.#slider.value));
    this.#part("#auto").onchange = ({ target }) =>
      this.#saturate(target.checked ? AUTO : Number(this.#slider.value));
    for (const [id, act] of [
      ["save", () => on.save(this.#photo)],
      ["for-all", () => on.saturateAll(this.#photo.saturation)],
      ["turn-left", () => on.rotate(this.#photo, -1)],
      ["turn-right", () => on.rotate(this.#photo, 1)],
      ["zoom-in", () => this.#zoom(STEP)],
      ["zoom-out", () => this.#zoom(1 / STEP)],
    ]) {
      this.#part(`#${id}`).onclick = act;
    }
    addEventListener("resize", () => this.#photo && this.#look());
  }

  get photo() {
    return this.#photo;
  }

  /** @param {?Photo} photo to show from now on. */
  show(photo) {
    this.#photo = photo;
    this.#element.hidden = photo === null;
    this.#begin();
    if (photo) this.update();
  }

  /** Shows the photo's present state. */
  update() {
    const { file, activity, note, trouble, colors, turn } = this.#photo;
    if (turn !== this.#turn) this.#begin();
    this.#part("#shown").textContent = file.name;
    this.#part(".note").textContent = activity || note;
    this.#part(".trouble").textContent = trouble;
    this.#part(".frame").hidden = Boolean(trouble);
    for (const id of ["saturation", "auto", "save", "for-all"]) {
      this.#part(`#${id}`).disabled = !colors;
    }
    this.#labelSaturation();
    this.#labelVeil();
    const { isReady, takesHints } = this.#network;
    this.#editor.update(takesHints || !isReady);
    this.#painter.update();
  }

  get #slider() {
    return this.#part("#saturation");
  }

  #part(selector) {
    return this.#element.querySelector(selector);
  }

  #begin() {
    this.#turn = this.#photo?.turn;
    this.#view.reset();
    this.#painter.show(this.#photo);
    this.#editor.show(this.#photo);
    this.#look();
  }

  #gestures(frame) {
    const share = ({ x, y }) => ({
      x: x / frame.clientWidth,
      y: y / frame.clientHeight,
    });
    return {
      grab: ({ x }, near) => this.#grab(x, near),
      divide: (at) => this.#comparison.divide(share(at).x),
      pan: (x, y) => {
        const moved = share({ x, y });
        this.#view.pan(moved.x, moved.y);
        this.#look();
      },
      zoom: (factor, at) => this.#zoom(factor, share(at)),
      aim: (at) => this.#comparison.magnify(this.#view.placeAt(share(at))),
      tap: (at) => {
        this.#comparison.magnify(null);
        if (at) this.#editor.tap(this.#view.placeAt(share(at)));
      },
    };
  }

  #grab(x, near) {
    const comparison = this.#comparison;
    const distance = Math.abs(x - comparison.divider * comparison.width);
    if (!this.#view.isWhole && distance > near) return "pan";
    if (!comparison.isComplete) return "";
    comparison.focus();
    return "divide";
  }

  #zoom(factor, at = CENTER) {
    const { width } = this.#painter;
    const most = (LARGEST_PIXEL * width) / this.#comparison.width;
    this.#view.zoom(factor, at, Math.max(most, LARGEST_PIXEL));
    this.#look();
  }

  #look() {
    this.#comparison.place();
    this.#part("#zoom-out").disabled = this.#view.isWhole;
    if (!this.#photo) return;
    this.#editor.look();
    this.#painter.update();
  }

  #saturate(saturation) {
    this.#photo.saturate(saturation);
  }

  #labelSaturation() {
    const { saturation, factor } = this.#photo;
    const times = factor.toFixed(2);
    this.#part("#auto").checked = saturation === AUTO;
    this.#slider.value = factor;
    this.#part("output").textContent = `× ${times}`;
    this.#slider.setAttribute("aria-valuetext", `${times} times`);
  }

  #labelVeil() {
    const { isReady, sentence } = this.#network;
    const waiting = isReady ? "Coloring …" : sentence;
    this.#comparison.veil(this.#photo.isOver ? "" : waiting);
  }
}
