// Photos come in, are colorized, looked at, and go out.

import { Photo } from "./photo.js";
import { PhotoList } from "./photo_list.js";
import { PhotoPicker } from "./photo_picker.js";
import { Queue } from "./queue.js";
import { Viewer } from "./viewer.js";

// Browsers drop downloads that come faster.
const BETWEEN_DOWNLOADS = 400; // Milliseconds.
// No browser tells when a download has been written.
const KEPT_FOR = 60_000; // Milliseconds.

export class Desk {
  #photos = [];
  #queue;
  #viewer;
  #list;
  #service;

  /**
   * Brings the elements of the page to life.
   *
   * @param {object} service who colors and develops.
   * @param {number} service.atOnce how many photos are colorized at a time.
   * @param {Darkroom} service.darkroom
   * @param {(photo: Photo) => Promise<void>} service.colorize which never
   *   fails, but has the photo learn what went wrong.
   * @param {(photo: Photo) => Promise<{file: Blob, name: string}>}
   *   service.developed
   */
  constructor(service) {
    this.#service = service;
    this.#queue = new Queue(service.atOnce);
    this.#viewer = new Viewer(element("viewer"), service.darkroom, {
      download: (photo) => this.#download(photo),
      saturateAll: (saturation) => this.#saturateAll(saturation),
    });
    this.#list = new PhotoList(
      element("photos").querySelector("ol"),
      element("row"),
      {
        choose: (photo) => this.#choose(photo),
        download: (photo) => this.#download(photo),
        retry: (photo) => this.#retry(photo),
      },
    );
    const inputs = document.querySelectorAll("input[type=file]");
    new PhotoPicker(inputs, document, (files) => this.#add(files));
    element("download-all").onclick = () => this.#downloadAll();
  }

  #add(files) {
    for (const file of files) {
      const photo = new Photo(file);
      this.#photos.push(photo);
      this.#list.add(photo);
      photo.addEventListener("change", () => this.#follow(photo));
      if (this.#viewer.photo === null) this.#choose(photo);
      this.#queue.add(() => this.#service.colorize(photo));
    }
    element("photos").hidden = this.#photos.length === 0;
    element("for-all").hidden = this.#photos.length < 2;
    this.#summarize();
  }

  #follow(photo) {
    if (photo === this.#viewer.photo) this.#viewer.update();
    this.#summarize();
  }

  #choose(photo) {
    this.#viewer.show(photo);
    this.#list.mark(photo);
  }

  #retry(photo) {
    photo.reset();
    this.#queue.add(() => this.#service.colorize(photo));
  }

  #saturateAll(saturation) {
    for (const photo of this.#photos) photo.saturation = saturation;
  }

  async #download(photo) {
    photo.learn({ activity: "Preparing the download …" });
    try {
      const { file, name } = await this.#service.developed(photo);
      save(file, name);
    } catch (error) {
      photo.learn({ note: `No download: ${error.message}` });
    }
    photo.learn({ activity: "" });
  }

  async #downloadAll() {
    for (const photo of this.#photos.filter(isDone)) {
      await this.#download(photo);
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
    element("download-all").disabled = done === 0;
  }
}

function isDone({ stage }) {
  return stage === "done";
}

function save(blob, name) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_FOR);
}

function element(id) {
  return document.getElementById(id);
}
