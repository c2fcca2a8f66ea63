// Work beside the page, so that the page itself never stands still.

/**
 * @param {string} script its name, beside this one.
 * @returns {Worker}
 */
export function startWorker(script) {
  return new Worker(new URL(script, import.meta.url), { type: "module" });
}

/**
 * Returns a sentence on why a worker failed, outside of what it reports itself.
 *
 * @param {ErrorEvent} event without a message if it could not even be loaded.
 * @returns {string}
 */
export function reasonOf({ message }) {
  return message
    ? `The browser gave up: ${message}`
    : "The server cannot be reached: is it running?";
}
