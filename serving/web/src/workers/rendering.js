// The worker that lays predicted colors under photos, to show or save them.

import { coloredRoots } from "../color/chroma.js";
import { writeSaturated } from "../color/lab.js";
import { exifOf } from "../photos/exif.js";
import { uprightExif, withExif } from "../photos/kept_exif.js";
import { bytesOf, openPhoto } from "../photos/opening.js";
import { canvasOf, partOf, pixelsOf, shrunk } from "../photos/picture.js";
import { answerCalls } from "./client.js";

const JPEG = "image/jpeg";
const QUALITY = 0.95; // Of JPEGs.
const STRIP = 2 ** 20; // Pixels at a time, so that memory stays small.
const PAIR_SIDE = 4096; // Pixels: what browsers and messengers take.
const GAP = 0.01; // Between the two pictures of a pair, of their width.

let opened = null; // The last photo shown, decoded.
const parts = new Map(); // Its pixels and where they lie, by name.

answerCalls({ open, show, recolor, encode, encodePair });

async function open({ file, turn }) {
  opened?.close();
  parts.clear();
  opened = null;
  opened = (await openPhoto(file, turn)).picture;
  return { width: opened.width, height: opened.height };
}

// Returns a part of the opened photo as it is, and keeps it for `recolor`.
function show({ name, place }) {
  const canvas = partOf(opened, place);
  parts.set(name, { pixels: pixelsOf(canvas), place });
  return { picture: canvas.transferToImageBitmap() };
}

function recolor({ name, colors, saturation }) {
  const { pixels, place } = parts.get(name);
  const { width, height } = pixels;
  const roots = coloredRoots(pixels.data, place, colors);
  const result = new ImageData(pixels.data.slice(), width, height);
  writeSaturated(roots, saturation, result.data);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(result, 0, 0);
  return { picture: canvas.transferToImageBitmap() };
}

async function encode({ file, turn, colors, saturation, type }) {
  const { picture } = await openPhoto(file, turn);
  const canvas = canvasOf(picture, 1);
  picture.close();
  paint(canvas, colors, saturation);
  const result = await encoded(canvas, type);
  const exif = exifOf(await bytesOf(file));
  return { result: withExif(result, exif && uprightExif(exif)) };
}

// Before and after, beside each other.
async function encodePair({ file, turn, colors, saturation }) {
  const { picture } = await openPhoto(file, turn);
  const before = shrunk(picture, PAIR_SIDE / 2);
  const { width, height } = before;
  const shift = width + Math.ceil(GAP * width);
  const canvas = new OffscreenCanvas(shift + width, height);
  const context = canvas.getContext("2d");
  context.drawImage(before, 0, 0);
  paint(before, colors, saturation);
  context.drawImage(before, shift, 0);
  return { result: await encoded(canvas, JPEG) };
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

function encoded(canvas, type) {
  if (type === JPEG) layOnWhite(canvas);
  return canvas.convertToBlob({ type, quality: QUALITY });
}

// JPEGs have no alpha; without this, transparent places would be black.
function layOnWhite(canvas) {
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
}
