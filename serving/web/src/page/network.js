// The network, in a worker, and the line of the page that shows its state.

import { WorkerClient } from "../workers/client.js";

export class Network {
  #folder;
  #status;
  #client;
  #loading = null;

  /**
   * @param {string} folder of the page, which holds the network.
   * @param {HTMLElement} status shows whether the network is ready.
   */
  constructor(folder, status) {
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
    const argument = { file: photo.file, folder: this.#folder };
    try {
      await this.load();
      const colored = await this.#client.call("colorize", argument, (state) =>
        photo.update(state),
      );
      photo.update({ ...colored, stage: "done" });
    } catch (error) {
      photo.update({ stage: "failed", sentence: error.message });
    }
  }

  async #load() {
    this.#show("The model is being loaded …", false);
    try {
      const { name } = await this.#client.call("load", {
        folder: this.#folder,
      });
      this.#show(`The model is ready, and runs on ${name}.`, false);
    } catch (error) {
      this.#loading = null; // The next photo tries again.
      this.#show(error.message, true);
      throw error;
    }
  }

  #show(sentence, isTrouble) {
    this.#status.textContent = sentence;
    this.#status.classList.toggle("trouble", isTrouble);
  }
}
