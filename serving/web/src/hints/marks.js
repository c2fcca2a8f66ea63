// The dots of hints on a photo, and the point where the next one may be.

const STILL = 4; // CSS pixels that a click may move.

export class HintMarks {
  #layer;
  #view;
  #on;
  #point;
  #dots = [];

  /**
   * @param {HTMLElement} layer as large as the frame; holds the point.
   * @param {View} view of the photo.
   * @param {object} on
   * @param {(number: number) => void} on.choose a dot that was clicked.
   * @param {(number: number, place: object, isFirst: boolean) => void} on.move
   *   one that is dragged; first of all, or on.
   * @param {(place: ?object) => void} on.aim where a finger drags it.
   */
  constructor(layer, view, on) {
    this.#layer = layer;
    this.#view = view;
    this.#on = on;
    this.#point = layer.querySelector("button");
  }

  /**
   * @param {object[]} hints
   * @param {object} point its place.
   * @param {?number} chosen the hint that the palette is for.
   */
  draw(hints, point, chosen) {
    while (this.#dots.length > hints.length) this.#dots.pop().remove();
    while (this.#dots.length < hints.length) this.#dots.push(this.#newDot());
    for (const [i, hint] of hints.entries()) {
      this.#put(this.#dots[i], hint);
      this.#dots[i].style.background = hint.color;
      this.#dots[i].classList.toggle("chosen", i === chosen);
    }
    this.#put(this.#point, point);
  }

  #put({ style }, place) {
    const { x, y } = this.#view.frameOf(place);
    style.left = `${100 * x}%`;
    style.top = `${100 * y}%`;
  }

  // Pointers alone take it: the list is for keyboards and screen readers.
  #newDot() {
    const number = this.#dots.length;
    const dot = document.createElement("button");
    dot.className = "dot";
    dot.textContent = number + 1;
    dot.tabIndex = -1;
    dot.ariaHidden = "true";
    let moves = 0;
    let start = null;
    dot.onpointerdown = (event) => {
      dot.setPointerCapture(event.pointerId);
      moves = 0;
      start = event;
    };
    dot.onpointermove = (event) => {
      if (!dot.hasPointerCapture(event.pointerId)) return;
      if (moves === 0 && distance(event, start) < STILL) return;
      const place = this.#placeOf(event);
      this.#on.move(number, place, moves++ === 0);
      if (event.pointerType !== "mouse") this.#on.aim(place);
    };
    dot.onlostpointercapture = () => this.#on.aim(null);
    dot.onclick = () => moves || this.#on.choose(number);
    this.#layer.append(dot);
    return dot;
  }

  #placeOf({ clientX, clientY }) {
    const { left, top, width, height } = this.#layer.getBoundingClientRect();
    const inside = (share) => Math.min(Math.max(share, 0), 1);
    return this.#view.placeAt({
      x: inside((clientX - left) / width),
      y: inside((clientY - top) / height),
    });
  }
}

function distance(one, other) {
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}
