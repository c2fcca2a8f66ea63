// Sets the saturation of results, beside the page.

import { canvasOf, decoded } from "./photo_file.js";
import { rootsOf, writeSaturated } from "./lab.js";

const STRIP = 2 ** 20; // Pixels at a time, so that memory stays small.

let view = null; // The picture on show: its pixels and their cube roots.

const tasks = { look, saturate, develop };

self.onmessage = async ({ data: { task, order } }) => {
  try {
    const made = await tasks[task](order);
    self.postMessage({ made }, Object.values(made).filter(isPicture));
  } catch (error) {
    self.postMessage({ sentence: error.message });
  }
};

async function look({ before, after, saturation, side }) {
  view = null;
  const first = await shrunk(before, side);
  if (after === null) return { before: first.transferToImageBitmap() };
  const pixels = pixelsOf(await shrunk(after, side));
  view = { pixels, roots: rootsOf(pixels.data) };
  const second = saturate({ saturation }).after;
  return { before: first.transferToImageBitmap(), after: second };
}

function saturate({ saturation }) {
  const { width, height } = view.pixels;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.putImageData(saturated(view.pixels, view.roots, saturation), 0, 0);
  return { after: canvas.transferToImageBitmap() };
}

async function develop({ result, saturation }) {
  const canvas = canvasOf(await pictureOf(result), 1);
  const context = canvas.getContext("2d");
  const rows = Math.max(1, Math.floor(STRIP / canvas.width));
  for (let top = 0; top < canvas.height; top += rows) {
    const height = Math.min(rows, canvas.height - top);
    const strip = context.getImageData(0, top, canvas.width, height);
    const roots = rootsOf(strip.data);
    context.putImageData(saturated(strip, roots, saturation), 0, top);
  }
  return { result: await canvas.convertToBlob({ type: "image/png" }) };
}

function saturated(pixels, roots, saturation) {
  if (saturation === 1) return pixels;
  const copy = new ImageData(pixels.data.slice(), pixels.width, pixels.height);
  writeSaturated(roots, saturation, copy.data);
  return copy;
}

function isPicture(thing) {
  return thing instanceof ImageBitmap;
}

async function shrunk(blob, side) {
  const picture = await pictureOf(blob);
  const longer = Math.max(picture.width, picture.height);
  const canvas = canvasOf(picture, Math.min(1, side / longer));
  picture.close();
  return canvas;
}

async function pictureOf(blob) {
  const picture = await decoded(blob);
  if (picture === null) throw new Error("The browser cannot show this photo.");
  return picture;
}

function pixelsOf(canvas) {
  const context = canvas.getContext("2d");
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
