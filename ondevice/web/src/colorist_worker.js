// Takes photos from their files to their colors, beside the page.

import { writeSaturated } from "../../../keras_colorizer/serving/page/lab.js";
import {
  canvasOf,
  pixelsOf,
  shrunk,
} from "../../../keras_colorizer/serving/page/picture.js";
import { timed } from "../../../keras_colorizer/serving/page/timing.js";
import { coloredRoots, networkView } from "./chroma.js";
import { openEngine } from "./engine.js";
import { opened } from "./photo_opening.js";

const THUMBNAIL = 112; // Pixels, of the longer side.

let engine = null; // A promise of it.
let home = null; // Where it is loaded from.

self.onmessage = ({ data: { folder, file, port } }) => {
  if (folder) open(folder, port);
  else color(file, port);
};

function open(folder, port) {
  home = new URL(folder);
  engine = openEngine(home);
  engine.then(
    ({ name }) => port.postMessage({ name }),
    ({ message }) => port.postMessage({ sentence: message }),
  );
}

async function color(file, port) {
  function tell(news) {
    port.postMessage(news, news.thumbnail ? [news.thumbnail] : []);
  }
  try {
    await colorize(file, tell);
  } catch (error) {
    tell({ stage: "failed", sentence: error.message });
  }
}

async function colorize(file, tell) {
  tell({ stage: "preparing" });
  const picture = await timed("decode", () => opened(file));
  const { side } = await engine;
  const view = await timed("view", () => networkView(rowsOf(picture), side));
  const small = pixelsOf(shrunk(picture, THUMBNAIL));
  tell({ stage: "coloring", before: file, thumbnail: bitmapOf(small) });
  const ab = await timed("model", () => predicted(view));
  const result = { ab, side };
  paint(small, result);
  tell({ stage: "done", result, thumbnail: bitmapOf(small) });
}

function rowsOf(picture) {
  const { width, height } = picture;
  const context = canvasOf(picture, 1).getContext("2d");
  const read = (row) => context.getImageData(0, row, width, 1).data;
  return { width, height, read };
}

// Graphics processors get lost, such as while a computer sleeps.
async function predicted(view) {
  try {
    return await (await engine).predict(view);
  } catch {
    engine = openEngine(home);
    return (await engine).predict(view);
  }
}

function paint({ data, width, height }, colors) {
  const roots = coloredRoots(data, { top: 0, width, height }, colors);
  writeSaturated(roots, 1, data);
}

function bitmapOf(pixels) {
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas.transferToImageBitmap();
}
