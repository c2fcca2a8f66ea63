// The worker that lays predicted colors under photos, to show or save them.

import { coloredRoots } from "../color/chroma.js";
import { writeSaturated } from "../color/lab.js";
import { exifOf } from "../photos/exif.js";
import { uprightExif, withExif } from "../photos/kept_exif.js";
import { bytesOf, openPhoto } from "../photos/opening.js";
import { canvasOf, pixelsOf, shrunk } from "../photos/picture.js";
import { answerCalls } from "./client.js";

const JPEG = "image/jpeg";
const QUALITY = 0.95; // Of JPEGs.
const STRIP = 2 ** 20; // Pixels at a time, so that memory stays small.

let shown = null; // The last preview: its pixels and their cube roots.

answerCalls({ preview, saturate, encode });

async function preview({ file, colors, saturation, side }) {
  const { picture } = await openPhoto(file);
  const canvas = shrunk(picture, side);
  let after = null;
  if (colors) {
    const pixels = pixelsOf(canvas);
    const place = { top: 0, width: canvas.width, height: canvas.height };
    shown = { pixels, roots: coloredRoots(pixels.data, place, colors) };
    ({ after } = saturate(saturation));
  }
  return { before: canvas.transferToImageBitmap(), after };
}

function saturate(saturation) {
  const { pixels, roots } = shown;
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  writeSaturated(roots, saturation, pixels.data);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return { after: canvas.transferToImageBitmap() };
}

async function encode({ file, colors, saturation, type }) {
  const { picture } = await openPhoto(file);
  const canvas = canvasOf(picture, 1);
  picture.close();
  paint(canvas, colors, saturation);
  if (type === JPEG) layOnWhite(canvas);
  const result = await canvas.convertToBlob({ type, quality: QUALITY });
  const exif = exifOf(await bytesOf(file));
  return { result: withExif(result, exif && uprightExif(exif)) };
}

function paint(canvas, colors, saturation) {
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  const rows = Math.max(1, Math.floor(STRIP / width));
  for (let top = 0; top < height; top += rows) {
    const count = Math.min(rows, height - top);
    const strip = context.getImageData(0, top, width, count);
    const roots = coloredRoots(strip.data, { top, width, height }, colors);
    writeSaturated(roots, saturation, strip.data);
    context.putImageData(strip, 0, top);
  }
}

// JPEGs have no alpha; without this, transparent places would be black.
function layOnWhite(canvas) {
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
}
