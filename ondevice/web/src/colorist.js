// Who colors photos: a worker that holds the network.

import { reasonOf } from "../../../keras_colorizer/serving/page/workers.js";

export class Colorist {
  #folder;
  #onNews;
  #worker = null;
  #isUsable = false;
  #waiting = new Set(); // Told when the worker dies.

  /**
   * @param {string} folder of the page, where the network lies.
   * @param {(sentence: string, isTrouble: boolean) => void} onNews about the
   *   network.
   */
  constructor(folder, onNews) {
    this.#folder = folder;
    this.#onNews = onNews;
  }

  /** Loads the network; never fails, but tells what went wrong. */
  async open() {
    this.#isUsable = true; // Or will be, for those who ask in the meantime.
    this.#worker ??= this.#started();
    this.#onNews("The model is being loaded …", false);
    const news = await this.#asked({ folder: this.#folder }, () => true);
    this.#isUsable = "name" in news;
    const ready = `The model is ready, and runs on ${news.name}.`;
    this.#onNews(news.sentence ?? ready, !this.#isUsable);
  }

  /**
   * Has a photo colored; never fails, but has it learn what went wrong.
   *
   * @param {Photo} photo
   * @returns {Promise<void>} resolved when it is over.
   */
  async colorize(photo) {
    if (!this.#isUsable) this.open();
    await this.#asked({ file: photo.file }, (news) => {
      photo.learn(news);
      return photo.isOver;
    });
  }

  #started() {
    // No module: only others can load LiteRT.
    const worker = new Worker(new URL("colorist_worker.js", import.meta.url));
    worker.onerror = (event) => {
      worker.terminate();
      this.#worker = null;
      this.#isUsable = false;
      const sentence = reasonOf(event);
      for (const tell of this.#waiting) tell({ stage: "failed", sentence });
    };
    return worker;
  }

  // Sends an order, and returns the news with which it is over.
  #asked(order, isOver) {
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      const tell = (news) => {
        if (!isOver(news)) return;
        this.#waiting.delete(tell);
        port1.close();
        resolve(news);
      };
      this.#waiting.add(tell);
      port1.onmessage = ({ data }) => tell(data);
      this.#worker.postMessage({ ...order, port: port2 }, [port2]);
    });
  }
}
