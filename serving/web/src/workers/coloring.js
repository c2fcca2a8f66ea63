// The worker that holds the network, and predicts the colors of photos.

import { coloredRoots, networkView } from "../color/chroma.js";
import { openEngine } from "../color/engine.js";
import { writeSaturated } from "../color/lab.js";
import { rowsOf } from "../hints/hint.js";
import { openPhoto } from "../photos/opening.js";
import { canvasOf, pixelsOf, shrunk } from "../photos/picture.js";
import { answerCalls } from "./client.js";

const THUMBNAIL = 112; // Pixels of the longer side.

let engine = null; // A promise.

answerCalls({
  load: async ({ folder }, report) => {
    const { name, takesHints } = await loaded(folder, report);
    return { name, takesHints };
  },
  colorize,
  recolor: async ({ lightness, hints, factor, folder }) => {
    const rows = rowsOf(hints, factor);
    return { ab: await predicted(lightness, folder, rows) };
  },
});

async function colorize({ file, turn, folder }, report) {
  report({ stage: "preparing" });
  const { picture, note } = await openPhoto(file, turn);
  const { side } = await loaded(folder);
  const lightness = networkView(readerOf(picture), side);
  const small = pixelsOf(shrunk(picture, THUMBNAIL));
  report({ stage: "coloring", thumbnail: bitmapOf(small) });
  const colors = { ab: await predicted(lightness, folder), side };
  color(small, colors);
  return { colors, plain: colors, lightness, note, thumbnail: bitmapOf(small) };
}

function loaded(folder, report = () => {}) {
  if (engine === null) {
    engine = openEngine(new URL(folder), report);
    engine.catch(() => (engine = null));
  }
  return engine;
}

// Graphics processors get lost, such as while a computer sleeps.
async function predicted(lightness, folder, hints = null) {
  try {
    return await (await loaded(folder)).predict(lightness, hints);
  } catch {
    engine = null;
    return (await loaded(folder)).predict(lightness, hints);
  }
}

function readerOf(picture) {
  const { width, height } = picture;
  const context = canvasOf(picture, 1).getContext("2d");
  const read = (row) => context.getImageData(0, row, width, 1).data;
  return { width, height, read };
}

function color({ data, width, height }, colors) {
  const roots = coloredRoots(data, { top: 0, width, height }, colors);
  writeSaturated(roots, 1, data);
}

function bitmapOf(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas.transferToImageBitmap();
}
