// Colors photos at full size, beside the page, and writes their files.

import {
  workInDarkroom,
} from "../../../keras_colorizer/serving/page/darkroom_tasks.js";
import { exifOf } from "../../../keras_colorizer/serving/page/exif.js";
import { bytesOf } from "../../../keras_colorizer/serving/page/photo_file.js";
import { IN_SRGB } from "../../../keras_colorizer/serving/page/picture.js";
import { coloredRoots } from "./chroma.js";
import { uprightExif, withExif } from "./kept_exif.js";

const QUALITY = 0.95; // Of JPEGs.

workInDarkroom({
  profile: IN_SRGB,
  arePainted: false,
  fileOf: ({ before }) => before,
  rootsOf: (rgba, place, { result }) => coloredRoots(rgba, place, result),
  encoded,
});

async function encoded(canvas, { before, type }) {
  if (type === "image/jpeg") layOnWhite(canvas);
  const file = await canvas.convertToBlob({ type, quality: QUALITY });
  const exif = exifOf(await bytesOf(before));
  return exif === null ? file : withExif(file, uprightExif(exif));
}

// JPEGs have no alpha; without this, what is transparent would be black.
function layOnWhite(canvas) {
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
}
