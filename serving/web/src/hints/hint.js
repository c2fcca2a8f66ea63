// Hints: the colors that places of a photo had, `{ x, y, color }`, with x and y
// in [0, 1] of its width and height, and `#rrggbb`.

import { labOf } from "../color/lab.js";

export const MOST = 32; // Of a photo.

const FIELDS = 5;
const LEAST_FACTOR = 1e-6; // Of a saturation of 0, which leaves hints grey, too.

/**
 * Returns hints as the network takes them.
 *
 * @param {object[]} hints at most 32.
 * @param {number} factor of the saturation that follows: it leaves the colors
 *   of hints as they are.
 * @returns {Float32Array} 32 times x, y, a*, b* and 1; all 0 for none.
 */
export function rowsOf(hints, factor) {
  const rows = new Float32Array(MOST * FIELDS);
  for (const [i, { x, y, color }] of hints.entries()) {
    const [, a, b] = labOf(color);
    const scale = 1 / Math.max(factor, LEAST_FACTOR);
    rows.set([x, y, a * scale, b * scale, 1], FIELDS * i);
  }
  return rows;
}

/**
 * Returns hints that lie where they did on a photo that has been turned.
 *
 * @param {object[]} hints
 * @param {number} quarters to the right, 0 to 3.
 * @returns {object[]}
 */
export function turned(hints, quarters) {
  if (quarters === 0) return hints;
  const once = hints.map(({ x, y, color }) => ({ x: 1 - y, y: x, color }));
  return turned(once, quarters - 1);
}

/** Returns the content of a hint file. */
export function textOf(hints) {
  return `${JSON.stringify({ hints }, null, 2)}\n`;
}

/**
 * Reads the content of a hint file.
 *
 * @param {string} text
 * @param {(color: string) => ?string} hex returns `#rrggbb` of a color in
 *   words or numbers, null if it is none.
 * @returns {object[]}
 * @throws {Error} a sentence.
 */
export function hintsOf(text, hex) {
  let hints = null;
  try {
    ({ hints } = JSON.parse(text));
  } catch {
    // The next line tells.
  }
  if (!Array.isArray(hints)) {
    throw new Error('Hints must be JSON such as {"hints": [...]}.');
  }
  if (hints.length > MOST) {
    throw new Error(
      `A photo takes at most ${MOST} hints. Received: ${hints.length}`,
    );
  }
  return hints.map((hint, i) => checked(hint ?? {}, i + 1, hex));
}

function checked(hint, number, hex) {
  for (const name of ["x", "y"]) {
    const value = hint[name];
    if (!(typeof value === "number" && 0 <= value && value <= 1)) {
      throw new Error(
        `Hint ${number}: \`${name}\` must be a number from 0 to 1.`,
      );
    }
  }
  const color = typeof hint.color === "string" ? hex(hint.color) : null;
  if (color === null) {
    throw new Error(
      `Hint ${number}: \`color\` must be a color such as #a03020.`,
    );
  }
  return { x: hint.x, y: hint.y, color };
}
