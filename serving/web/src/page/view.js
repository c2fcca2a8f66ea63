// The part of a photo that its frame shows: all of it, or a magnified part.

/** Places are `{ x, y }`, in [0, 1] of the width and height. */
export class View {
  constructor() {
    this.reset();
  }

  /** Shows all of the photo. */
  reset() {
    this.scale = 1; // Of the frame's sides.
    this.x = 0; // Of the left upper corner of the part, in the photo.
    this.y = 0;
  }

  get isWhole() {
    return this.scale === 1;
  }

  /**
   * Magnifies, and keeps what lies at a place of the frame there.
   *
   * @param {number} factor
   * @param {{x: number, y: number}} at a place of the frame.
   * @param {number} most the largest scale.
   */
  zoom(factor, at, most) {
    const { x, y } = this.placeAt(at);
    this.scale = Math.min(Math.max(this.scale * factor, 1), most);
    this.#moveTo(x - at.x / this.scale, y - at.y / this.scale);
  }

  /** Moves the photo, in widths and heights of the frame. */
  pan(across, down) {
    this.#moveTo(this.x - across / this.scale, this.y - down / this.scale);
  }

  /** Moves no further than it takes to show a place of the photo. */
  reveal({ x, y }) {
    const extent = 1 / this.scale;
    this.#moveTo(
      Math.min(Math.max(this.x, x - extent), x),
      Math.min(Math.max(this.y, y - extent), y),
    );
  }

  /** Returns the place of the photo at a place of the frame. */
  placeAt({ x, y }) {
    return { x: this.x + x / this.scale, y: this.y + y / this.scale };
  }

  /** Returns the place of the frame where a place of the photo is. */
  frameOf({ x, y }) {
    return { x: (x - this.x) * this.scale, y: (y - this.y) * this.scale };
  }

  #moveTo(x, y) {
    const last = 1 - 1 / this.scale;
    this.x = Math.min(Math.max(x, 0), last);
    this.y = Math.min(Math.max(y, 0), last);
  }
}
