// Calls of a worker's functions, so that the page itself never blocks.

/** A worker that runs one call after the other, and restarts if it dies. */
export class WorkerClient {
  #start;
  #worker;
  #last = Promise.resolve();

  /** @param {() => Worker} start starts it; done at once. */
  constructor(start) {
    this.#start = start;
    this.#restart();
  }

  /**
   * Runs a function of the worker, after all earlier calls.
   *
   * @param {string} name of the function.
   * @param {*} argument
   * @param {(state: object) => void} onProgress receives reports until then.
   * @returns {Promise<object>} its result.
   * @throws {Error} a sentence.
   */
  call(name, argument, onProgress) {
    const turn = this.#last.then(() => this.#run(name, argument, onProgress));
    this.#last = turn.catch(() => {});
    return turn;
  }

  #restart() {
    this.#worker = this.#start();
    this.#worker.onerror = () => this.#terminate();
  }

  #terminate() {
    this.#worker.terminate();
    this.#worker = null;
  }

  #run(name, argument, onProgress) {
    if (this.#worker === null) this.#restart();
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data: { progress, result, sentence } }) => {
        if (progress) onProgress(progress);
        else if (result) resolve(result);
        else reject(new Error(sentence));
      };
      this.#worker.onerror = (event) => {
        this.#terminate();
        reject(new Error(reasonOf(event)));
      };
      this.#worker.postMessage({ name, argument });
    });
  }
}

/**
 * Makes functions of a worker callable by a `WorkerClient`.
 *
 * @param {Object<string, (argument: *, report: (state: object) => void) =>
 *   object>} functions, or async ones; pictures in what they return or report
 *   are transferred.
 */
export function answerCalls(functions) {
  function send(kind, content) {
    const pictures = Object.values(content).filter(isPicture);
    self.postMessage({ [kind]: content }, pictures);
  }
  self.onmessage = async ({ data: { name, argument } }) => {
    const report = (state) => send("progress", state);
    try {
      send("result", await functions[name](argument, report));
    } catch (error) {
      self.postMessage({ sentence: error.message });
    }
  };
}

// A script that could not even be loaded leaves no message.
function reasonOf({ message }) {
  return message
    ? `The browser gave up: ${message}`
    : "A part of this page could not be loaded: is there a network, and does " +
        "its server run?";
}

function isPicture(thing) {
  return thing instanceof ImageBitmap;
}
