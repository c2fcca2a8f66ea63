// The page that colors photos on the device that shows it.

import { Darkroom } from "../../../keras_colorizer/serving/page/darkroom.js";
import { Desk } from "../../../keras_colorizer/serving/page/desk.js";
import { Colorist } from "./colorist.js";
import { keepOffline } from "./offline.js";

const JPEG = "image/jpeg";
const SUFFIXES = { [JPEG]: "jpg", "image/png": "png" };

const colorist = new Colorist(document.baseURI, showNews);
const darkroom = new Darkroom(
  () =>
    new Worker(new URL("darkroom_worker.js", import.meta.url), {
      type: "module",
    }),
);
new Desk({
  atOnce: 1, // Phones have little memory.
  darkroom,
  colorize: (photo) => colorist.colorize(photo),
  developed,
});
await colorist.open();
const offline = document.getElementById("offline");
offline.textContent = await keepOffline(document.baseURI);

async function developed(photo) {
  const type = document.getElementById("format").value || typeLike(photo.file);
  const file = await darkroom.develop(photo, type);
  return { file, name: photo.resultName(SUFFIXES[type]) };
}

// What is no JPEG may hold what a JPEG cannot.
function typeLike({ type }) {
  return type === JPEG ? JPEG : "image/png";
}

function showNews(sentence, isTrouble) {
  const model = document.getElementById("model");
  model.textContent = sentence;
  model.classList.toggle("trouble", isTrouble);
}
