// The photos of the page: picked, colored one after the other, viewed, saved.

import { Photo } from "./photo.js";
import { PhotoList } from "./photo_list.js";
import { PhotoPicker } from "./picker.js";
import { Viewer } from "./viewer.js";

const JPEG = "image/jpeg";
const SUFFIXES = { [JPEG]: "jpg", "image/png": "png" };
// Browsers drop downloads that come faster.
const BETWEEN_DOWNLOADS = 400; // Milliseconds.
// No browser tells when a download has been written.
const DOWNLOAD_TIME = 60_000; // Milliseconds.

export class App {
  #photos = [];
  #coloring = Promise.resolve(); // One photo at a time: phones have no memory.
  #network;
  #encoder;
  #viewer;
  #list;

  /**
   * Connects the elements of the page.
   *
   * @param {Network} network
   * @param {() => WorkerClient} startRendering starts a `rendering` worker.
   */
  constructor(network, startRendering) {
    this.#network = network;
    this.#encoder = startRendering(); // Not the viewer's: it may take seconds.
    this.#viewer = new Viewer(element("viewer"), startRendering(), {
      save: (photo) => this.#save(photo),
      saturateAll: (saturation) => this.#saturateAll(saturation),
    });
    const list = element("photos").querySelector("ol");
    this.#list = new PhotoList(list, element("row"), {
      choose: (photo) => this.#choose(photo),
      save: (photo) => this.#save(photo),
      retry: (photo) => this.#retry(photo),
    });
    const inputs = document.querySelectorAll("input[type=file]");
    new PhotoPicker(inputs, document, (files) => this.#add(files));
    element("save-all").onclick = () => this.#saveAll();
  }

  #add(files) {
    for (const file of files) {
      const photo = new Photo(file);
      this.#photos.push(photo);
      this.#list.add(photo);
      photo.addEventListener("change", () => this.#update(photo));
      if (this.#viewer.photo === null) this.#choose(photo);
      this.#color(photo);
    }
    element("photos").hidden = this.#photos.length === 0;
    element("for-all").hidden = this.#photos.length < 2;
    this.#summarize();
  }

  #color(photo) {
    this.#coloring = this.#coloring.then(() => this.#network.colorize(photo));
  }

  #update(photo) {
    if (photo === this.#viewer.photo) this.#viewer.update();
    this.#summarize();
  }

  #choose(photo) {
    this.#viewer.show(photo);
    this.#list.mark(photo);
  }

  #retry(photo) {
    photo.reset();
    this.#color(photo);
  }

  #saturateAll(saturation) {
    for (const photo of this.#photos) photo.saturation = saturation;
  }

  async #save(photo) {
    photo.update({ activity: "Preparing the file …" });
    const type = element("format").value || typeLike(photo.file);
    const { file, colors, saturation } = photo;
    const argument = { file, colors, saturation, type };
    try {
      const { result } = await this.#encoder.call("encode", argument);
      download(result, photo.resultName(SUFFIXES[type]));
    } catch (error) {
      photo.update({ note: `Not saved: ${error.message}` });
    }
    photo.update({ activity: "" });
  }

  async #saveAll() {
    for (const photo of this.#photos.filter(isDone)) {
      await this.#save(photo);
      await new Promise((next) => setTimeout(next, BETWEEN_DOWNLOADS));
    }
  }

  #summarize() {
    const done = this.#photos.filter(isDone).length;
    const failed = this.#photos.filter(({ trouble }) => trouble).length;
    const bar = element("photos").querySelector("progress");
    bar.max = this.#photos.length;
    bar.value = done + failed;
    const failures = failed ? `, ${failed} failed` : "";
    element("photos").querySelector("[role=status]").textContent =
      `${done} of ${this.#photos.length} colorized${failures}`;
    element("save-all").disabled = done === 0;
  }
}

function isDone({ stage }) {
  return stage === "done";
}

// Other formats may hold transparency, which a JPEG cannot.
function typeLike({ type }) {
  return type === JPEG ? JPEG : "image/png";
}

function download(blob, name) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), DOWNLOAD_TIME);
}

function element(id) {
  return document.getElementById(id);
}
