// What takes time, for the browser's own tools to show.

/**
 * Measures something that takes time.
 *
 * @template T
 * @param {string} name of the measure.
 * @param {() => T | Promise<T>} action
 * @returns {Promise<T>} what it returns.
 */
export async function timed(name, action) {
  const start = performance.now();
  const made = await action();
  performance.measure(name, { start });
  return made;
}
