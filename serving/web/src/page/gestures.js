// Pointers on a photo: a tap, a drag of the divider, a pinch, a pan, a wheel.

const NEAR = 24; // CSS pixels from the divider that still grab it.
const STILL = 6; // CSS pixels that a tap may move.
const HOLD = 350; // Milliseconds, after which a finger aims.
const WHEEL = 0.008; // Doublings for each pixel of a wheel.

export class Gestures {
  #element;
  #on;
  #pointers = new Map();
  #kind = null; // Of the gesture: a tap, aim, divide, pan or pinch.
  #start = null;
  #timer = null;

  /**
   * @param {HTMLElement} element takes the pointers.
   * @param {object} on
   * @param {(at: object) => string} on.grab returns what a drag that starts
   *   there does: `divide`, `pan` or nothing.
   * @param {(at: object) => void} on.divide
   * @param {(across: number, down: number) => void} on.pan
   * @param {(factor: number, at: object) => void} on.zoom
   * @param {(at: object) => void} on.aim follows a finger that is held.
   * @param {(at: ?object) => void} on.tap ends a tap, or such a hold; without
   *   a place if the hold was broken off.
   */
  constructor(element, on) {
    this.#element = element;
    this.#on = on;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#up(event));
    element.addEventListener("pointercancel", (event) => this.#cancel(event));
    element.addEventListener("wheel", (event) => this.#wheel(event));
    element.addEventListener("touchmove", (event) => {
      if (this.#kind === "aim") event.preventDefault(); // Else, it scrolls.
    });
    element.addEventListener("contextmenu", (event) => {
      if (this.#kind === "aim") event.preventDefault();
    });
  }

  #down(event) {
    if (event.button !== 0 || event.target.closest("button")) return;
    event.preventDefault();
    this.#element.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#at(event));
    clearTimeout(this.#timer);
    if (this.#pointers.size === 2) {
      if (this.#kind === "aim") this.#on.tap(null);
      this.#kind = "pinch";
    }
    if (this.#pointers.size > 1) return;
    this.#start = this.#at(event);
    this.#kind = "tap";
    if (event.pointerType !== "mouse") {
      this.#timer = setTimeout(() => this.#aim(), HOLD);
    }
  }

  #move(event) {
    const last = this.#pointers.get(event.pointerId);
    if (last === undefined) return;
    const at = this.#at(event);
    if (this.#kind === "pinch") this.#pinch(event.pointerId, at);
    this.#pointers.set(event.pointerId, at);
    if (this.#kind === "tap" && distance(at, this.#start) > STILL) {
      clearTimeout(this.#timer);
      this.#kind = this.#on.grab(this.#start, NEAR);
    }
    if (this.#kind === "aim") this.#on.aim(at);
    if (this.#kind === "divide") this.#on.divide(at);
    if (this.#kind === "pan") this.#on.pan(at.x - last.x, at.y - last.y);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    clearTimeout(this.#timer);
    if (["tap", "aim"].includes(this.#kind)) this.#on.tap(this.#at(event));
    this.#kind = this.#pointers.size ? "pan" : null;
  }

  #cancel(event) {
    clearTimeout(this.#timer);
    if (this.#kind === "aim") this.#on.tap(null);
    this.#pointers.delete(event.pointerId);
    this.#kind = null;
  }

  #aim() {
    this.#kind = "aim";
    this.#on.aim(this.#start);
  }

  #pinch(moved, at) {
    const was = this.#pointers.get(moved);
    const [other] = [...this.#pointers].find(([id]) => id !== moved).slice(1);
    const factor = distance(at, other) / Math.max(distance(was, other), 1);
    this.#on.zoom(factor, middle(at, other));
    this.#on.pan((at.x - was.x) / 2, (at.y - was.y) / 2);
  }

  // A wheel alone scrolls the page. Touch pads pinch with this key.
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#on.zoom(2 ** (-WHEEL * event.deltaY), this.#at(event));
  }

  #at({ clientX, clientY }) {
    const { left, top } = this.#element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }
}

function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

function middle(one, other) {
  return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 };
}
