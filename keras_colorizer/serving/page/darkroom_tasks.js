// What a darkroom does in its worker: pictures, at any saturation.

import { canvasOf, decoded, pixelsOf, shrunk } from "./picture.js";
import { writeSaturated } from "./lab.js";
import { timed } from "./timing.js";
import { assist } from "./workers.js";

const STRIP = 2 ** 20; // Pixels at a time, so that memory stays small.

/**
 * Has a worker work for a `Darkroom`.
 *
 * @param {object} colors where they come from.
 * @param {string} colors.profile `AS_STORED` or `IN_SRGB`, see `decoded`.
 * @param {boolean} colors.arePainted whether the file to develop shows them.
 * @param {(order: object) => Blob} colors.fileOf the file to develop.
 * @param {(rgba: Uint8ClampedArray, place: object, order: object) =>
 *   Float32Array} colors.rootsOf the roots of colored pixels, see `lab.js`;
 *   the place is what of the picture these are: `top`, and the picture's own
 *   `width` and `height`.
 * @param {(canvas: OffscreenCanvas, order: object) => Promise<Blob>}
 *   colors.encoded the file of a result.
 */
export function workInDarkroom(colors) {
  const room = new Room(colors);
  assist({
    look: (order) => room.look(order),
    saturate: (order) => room.saturate(order),
    develop: (order) => room.develop(order),
  });
}

class Room {
  #colors;
  #view = null; // The picture on show: its pixels and their cube roots.

  constructor(colors) {
    this.#colors = colors;
  }

  async look(order) {
    const { before, result, saturation, side } = order;
    this.#view = null;
    const first = shrunk(await this.#pictureOf(before), side);
    if (result === null) return { before: first.transferToImageBitmap() };
    const file = this.#colors.fileOf(order);
    const second =
      file === before ? first : shrunk(await this.#pictureOf(file), side);
    const pixels = pixelsOf(second);
    this.#view = { pixels, roots: this.#rootsOf(pixels, 0, second, order) };
    const { after } = this.saturate({ saturation });
    return { before: first.transferToImageBitmap(), after };
  }

  saturate({ saturation }) {
    const { pixels, roots } = this.#view;
    const canvas = new OffscreenCanvas(pixels.width, pixels.height);
    const context = canvas.getContext("2d");
    context.putImageData(this.#saturated(pixels, roots, saturation), 0, 0);
    return { after: canvas.transferToImageBitmap() };
  }

  async develop(order) {
    const picture = await this.#pictureOf(this.#colors.fileOf(order));
    const canvas = canvasOf(picture, 1);
    picture.close();
    await timed("merge", () => this.#paint(canvas, order));
    return {
      result: await timed("encode", () => this.#colors.encoded(canvas, order)),
    };
  }

  #paint(canvas, order) {
    const context = canvas.getContext("2d");
    const rows = Math.max(1, Math.floor(STRIP / canvas.width));
    for (let top = 0; top < canvas.height; top += rows) {
      const height = Math.min(rows, canvas.height - top);
      const strip = context.getImageData(0, top, canvas.width, height);
      const roots = this.#rootsOf(strip, top, canvas, order);
      context.putImageData(
        this.#saturated(strip, roots, order.saturation), 0, top,
      );
    }
  }

  #rootsOf({ data }, top, { width, height }, order) {
    return this.#colors.rootsOf(data, { top, width, height }, order);
  }

  #saturated(pixels, roots, saturation) {
    if (saturation === 1 && this.#colors.arePainted) return pixels;
    const { data, width, height } = pixels;
    const copy = new ImageData(data.slice(), width, height);
    writeSaturated(roots, saturation, copy.data);
    return copy;
  }

  async #pictureOf(file) {
    const picture = await decoded(file, this.#colors.profile);
    if (picture === null) {
      throw new Error("The browser cannot show this photo.");
    }
    return picture;
  }
}
