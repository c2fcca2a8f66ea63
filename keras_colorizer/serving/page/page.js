// The page of a server: photos are sent to it, two at a time.

import { Darkroom } from "./darkroom.js";
import { Desk } from "./desk.js";
import { statusOf } from "./model_server.js";
import { reasonOf } from "./workers.js";

const { model } = document.documentElement.dataset;
const path = `v1/models/${encodeURIComponent(model)}`;
const modelUrl = new URL(path, document.baseURI).href;

const darkroom = new Darkroom(() => started("darkroom_worker.js"));
new Desk({ atOnce: 2, darkroom, colorize, developed });
const status = document.getElementById("model");
status.textContent = await statusOf(modelUrl, model);

async function colorize(photo) {
  const worker = started("colorizing_worker.js");
  await new Promise((over) => {
    worker.onmessage = ({ data }) => {
      photo.learn(data);
      if (photo.isOver) over();
    };
    worker.onerror = (event) => {
      const gone = "The server cannot be reached: is it running?";
      const sentence = event.message ? reasonOf(event) : gone;
      photo.learn({ stage: "failed", sentence });
      over();
    };
    worker.postMessage({ file: photo.file, url: modelUrl });
  });
  worker.terminate();
}

async function developed(photo) {
  // The server's own file, wherever nothing is changed.
  const isAsServed = photo.saturation === 1;
  const file = isAsServed
    ? photo.result
    : await darkroom.develop(photo, "image/png");
  return { file, name: photo.resultName("png") };
}

function started(script) {
  return new Worker(new URL(script, import.meta.url), { type: "module" });
}
