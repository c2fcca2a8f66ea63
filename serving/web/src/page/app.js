// The photos of the page: picked, colored one after the other, viewed, saved.

import { hintsOf, turned } from "../hints/hint.js";
import { Photo } from "./photo.js";
import { PhotoList } from "./photo_list.js";
import { PhotoPicker } from "./picker.js";
import { Saver } from "./saving.js";
import { Viewer } from "./viewer.js";

const SAMPLE = "sample.jpg";

export class App {
  #photos = [];
  #waiting = []; // One photo at a time is colored: phones have no memory.
  #isColoring = false;
  #saving = null; // An `AbortController` while all are being saved.
  #network;
  #saver;
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
    // Not the viewer's worker: it may take seconds.
    this.#saver = new Saver(startRendering(), element("format"));
    this.#viewer = new Viewer(element("viewer"), startRendering(), network, {
      save: (photo) => this.#saver.save(photo),
      rotate: (photo, quarters) => this.#rotate(photo, quarters),
      saturateAll: (saturation) => this.#saturateAll(saturation),
      choose: (photo) => this.#photos.includes(photo) && this.#choose(photo),
      saveHints: (photo) => this.#saver.saveHints(photo),
    });
    const list = element("photos").querySelector("ol");
    this.#list = new PhotoList(list, element("row"), {
      choose: (photo) => this.#choose(photo),
      save: (photo) => this.#saver.save(photo),
      retry: (photo) => this.#retry(photo),
      remove: (photo) => this.#remove([photo]),
    });
    const inputs = document.querySelectorAll("input[type=file]");
    new PhotoPicker(inputs, document, (files) => this.#add(files));
    element("save-all").onclick = () => this.#saveAll();
    element("clear").onclick = () => this.#remove(this.#photos);
    element("sample").onclick = () => this.#addSample();
  }

  #add(files) {
    const isHints = ({ name }) => name.endsWith(".json");
    for (const file of files.filter((each) => !isHints(each))) {
      const photo = new Photo(file);
      this.#photos.push(photo);
      this.#list.add(photo);
      photo.addEventListener("change", () => this.#update(photo));
      photo.addEventListener("recolor", () => this.#network.recolor(photo));
      if (this.#viewer.photo === null) this.#choose(photo);
      this.#color(photo);
    }
    for (const file of files.filter(isHints)) {
      this.#addHints(file, files.length === 1);
    }
    this.#summarize();
  }

  // Those of a photo by name; a file that comes alone is for the one on show.
  async #addHints(file, isAlone) {
    const isNamed = (photo) => file.name.startsWith(`${photo.file.name}.`);
    const shown = isAlone ? this.#viewer.photo : null;
    const photo = this.#photos.find(isNamed) ?? shown;
    if (!photo) return;
    try {
      const hints = hintsOf(await file.text(), hexOf);
      const lying = turned(hints, photo.turn);
      photo.changeHints((history) => history.push(lying));
    } catch ({ message }) {
      photo.update({ note: `“${file.name}” holds no hints: ${message}` });
    }
  }

  async #addSample() {
    const answer = await fetch(SAMPLE);
    this.#add([new File([await answer.blob()], SAMPLE, { type: "image/jpeg" })]);
  }

  async #color(photo) {
    this.#waiting.push(photo);
    if (this.#isColoring) return;
    this.#isColoring = true;
    while (this.#waiting.length) await this.#network.colorize(this.#next());
    this.#isColoring = false;
  }

  // The photo that is looked at goes before all others.
  #next() {
    const viewed = this.#waiting.indexOf(this.#viewer.photo);
    return this.#waiting.splice(Math.max(viewed, 0), 1)[0];
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

  #rotate(photo, quarters) {
    photo.rotate(quarters);
    if (!this.#waiting.includes(photo)) this.#color(photo);
  }

  #remove(removed) {
    const isRemoved = (photo) => removed.includes(photo);
    const { photo } = this.#viewer;
    const place = this.#photos.indexOf(photo);
    for (const each of removed) this.#list.remove(each);
    this.#waiting = this.#waiting.filter((each) => !isRemoved(each));
    this.#photos = this.#photos.filter((each) => !isRemoved(each));
    if (isRemoved(photo)) {
      this.#choose(this.#photos[place] ?? this.#photos.at(-1) ?? null);
    }
    if (this.#photos.length === 0) element("files").focus();
    this.#summarize();
  }

  #saturateAll(saturation) {
    for (const photo of this.#photos) photo.saturate(saturation);
  }

  // Saves all, or stops that.
  async #saveAll() {
    if (this.#saving) return this.#saving.abort();
    this.#saving = new AbortController();
    this.#summarize();
    const photos = this.#photos.filter(isDone);
    await this.#saver.saveAll(photos, this.#saving.signal);
    this.#saving = null;
    this.#summarize();
  }

  #summarize() {
    const count = this.#photos.length;
    const done = this.#photos.filter(isDone).length;
    const failed = this.#photos.filter(({ trouble }) => trouble).length;
    const section = element("photos");
    section.hidden = count === 0;
    element("for-all").hidden = count < 2;
    const bar = section.querySelector("progress");
    bar.max = count || 1;
    bar.value = done + failed;
    const failures = failed ? `, ${failed} failed` : "";
    section.querySelector("[role=status]").textContent =
      `${done} of ${count} colorized${failures}`;
    element("save-all").disabled = done === 0;
    element("save-all").textContent = this.#saving ? "Stop" : "Save all";
  }
}

function isDone({ stage }) {
  return stage === "done";
}

// Colors in words, or of another kind, are known to the browser.
function hexOf(color) {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  const [first, second] = ["#000000", "#ffffff"].map((other) => {
    context.fillStyle = other;
    context.fillStyle = color;
    return context.fillStyle;
  });
  return first === second && /^#/.test(first) ? first : null;
}

function element(id) {
  return document.getElementById(id);
}
