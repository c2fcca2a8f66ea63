// The page: photos come in, are colorized two at a time, and go out.

import { developed } from "./darkroom.js";
import { Photo } from "./photo.js";
import { PhotoList } from "./photo_list.js";
import { PhotoPicker } from "./photo_picker.js";
import { Queue } from "./queue.js";
import { statusOf } from "./model_server.js";
import { Viewer } from "./viewer.js";

const AT_ONCE = 2;
// Browsers drop downloads that come faster.
const BETWEEN_DOWNLOADS = 400; // Milliseconds.
// No browser tells when a download has been written.
const KEPT_FOR = 60_000; // Milliseconds.

const { model } = document.documentElement.dataset;
const path = `v1/models/${encodeURIComponent(model)}`;
const modelUrl = new URL(path, document.baseURI).href;

const photos = [];
const queue = new Queue(AT_ONCE);
const viewer = new Viewer(element("viewer"), { download, saturateAll });
const list = new PhotoList(
  element("photos").querySelector("ol"),
  element("row"),
  { choose, download, retry },
);
new PhotoPicker(element("files"), document, add);
element("download-all").onclick = downloadAll;
element("model").textContent = await statusOf(modelUrl, model);

function add(files) {
  for (const file of files) {
    const photo = new Photo(file);
    photos.push(photo);
    list.add(photo);
    photo.addEventListener("change", () => follow(photo));
    if (viewer.photo === null) choose(photo);
    queue.add(() => photo.colorize(modelUrl));
  }
  element("photos").hidden = photos.length === 0;
  element("for-all").hidden = photos.length < 2;
  summarize();
}

function follow(photo) {
  if (photo === viewer.photo) viewer.update();
  summarize();
}

function choose(photo) {
  viewer.show(photo);
  list.mark(photo);
}

function retry(photo) {
  photo.reset();
  queue.add(() => photo.colorize(modelUrl));
}

function saturateAll(saturation) {
  for (const photo of photos) photo.saturation = saturation;
}

async function download(photo) {
  photo.learn({ activity: "Preparing the download …" });
  try {
    save(await developed(photo), photo.resultName);
  } catch (error) {
    photo.learn({ note: `No download: ${error.message}` });
  }
  photo.learn({ activity: "" });
}

function save(blob, name) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_FOR);
}

async function downloadAll() {
  for (const photo of photos.filter(({ stage }) => stage === "done")) {
    await download(photo);
    await new Promise((next) => setTimeout(next, BETWEEN_DOWNLOADS));
  }
}

function summarize() {
  const done = photos.filter(({ stage }) => stage === "done").length;
  const failed = photos.filter(({ stage }) => stage === "failed").length;
  const bar = element("photos").querySelector("progress");
  bar.max = photos.length;
  bar.value = done + failed;
  const failures = failed ? `, ${failed} failed` : "";
  element("photos").querySelector("[role=status]").textContent =
    `${done} of ${photos.length} colorized${failures}`;
  element("download-all").disabled = done === 0;
}

function element(id) {
  return document.getElementById(id);
}
