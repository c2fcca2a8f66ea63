// The network, in a worker, and the line of the page that shows its state.

import { WorkerClient } from "../workers/client.js";

const MEGABYTE = 1e6;

/** Fires `change` whenever its state changes. */
export class Network extends EventTarget {
  #folder;
  #status;
  #client;
  #loading = null;

  /**
   * @param {string} folder of the page, which holds the network.
   * @param {HTMLElement} status shows whether the network is ready.
   */
  constructor(folder, status) {
    super();
    /** Whether it can color photos; if not, a sentence says why. */
    this.isReady = false;
    this.takesHints = false;
    this.sentence = "";
    this.#folder = folder;
    this.#status = status;
    this.#client = new WorkerClient(
      () => new Worker(new URL("../workers/coloring.js", import.meta.url)),
    );
  }

  /**
   * Loads the network, unless it is loaded.
   *
   * @throws {Error} a sentence, which the page shows, too.
   */
  load() {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /**
   * Colors a photo, which receives its colors or the reason for none.
   *
   * @param {Photo} photo
   */
  async colorize(photo) {
    const { file, turn } = photo;
    const argument = { file, turn, folder: this.#folder };
    // Turned in the meantime, it is colored once more.
    const update = (state) => photo.turn === turn && photo.update(state);
    try {
      await this.load();
      const colored = await this.#client.call("colorize", argument, update);
      update({ ...colored, stage: "done" });
      await this.recolor(photo);
    } catch (error) {
      update({ stage: "failed", sentence: error.message });
    }
  }

  /**
   * Colors a photo by its hints: the last ones, if they change meanwhile.
   *
   * @param {Photo} photo
   * @returns {?Promise} of the end; a remark on the photo says what fails.
   */
  recolor(photo) {
    if (photo.plain === null) return null;
    photo.recoloring ??= this.#recolor(photo).finally(() => {
      photo.recoloring = null;
    });
    return photo.recoloring;
  }

  async #recolor(photo) {
    let done = [];
    const state = () => [photo.plain, photo.hints, photo.factor];
    while (photo.plain && !state().every((part, i) => part === done[i])) {
      done = state();
      const [plain, hints, factor] = done;
      const { lightness } = photo;
      const argument = { lightness, hints, factor, folder: this.#folder };
      try {
        const colors = hints.length
          ? { ...plain, ...(await this.#client.call("recolor", argument)) }
          : plain;
        if (photo.plain === plain) photo.update({ colors });
      } catch (error) {
        photo.update({ note: `Without hints: ${error.message}` });
      }
    }
  }

  async #load() {
    this.#show("The model is being loaded …", false);
    const argument = { folder: this.#folder };
    const showProgress = (state) => this.#show(progressOf(state), false);
    try {
      const { name, takesHints } = await this.#client.call(
        "load",
        argument,
        showProgress,
      );
      this.isReady = true;
      this.takesHints = takesHints;
      this.#show(`The model is ready, and runs on ${name}.`, false);
    } catch (error) {
      this.#loading = null; // The next photo tries again.
      this.#show(error.message, true);
      throw error;
    }
  }

  #show(sentence, isTrouble) {
    this.sentence = sentence;
    this.#status.textContent = sentence;
    this.#status.classList.toggle("trouble", isTrouble);
    this.dispatchEvent(new Event("change"));
  }
}

// Servers that compress it tell another size, or none.
function progressOf({ loaded, size }) {
  if (loaded === size) return "The model is being prepared …";
  const [part, all] = [loaded, size].map((n) => (n / MEGABYTE).toFixed(1));
  const share = loaded < size ? `${part} of ${all} MB` : `${part} MB`;
  return `The model is being loaded: ${share} …`;
}
