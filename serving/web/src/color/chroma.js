// The steps around the network: its view of a photo, and its colors at full
// size. tests/golden/chroma.json holds them.

import { lightnessRoot } from "./lab.js";

const OVERSAMPLING = 4;

/**
 * Shows a whole photo to the network: squashed to a square.
 *
 * Bilinear to 4 times the side, then the mean of 4 x 4.
 *
 * @param {object} photo
 * @param {number} photo.width
 * @param {number} photo.height
 * @param {(row: number) => Uint8ClampedArray} photo.read returns sRGB levels,
 *   four to a pixel.
 * @param {number} side of the square, in pixels.
 * @returns {Float32Array} L* in [0, 100], row by row.
 */
export function networkView({ width, height, read }, side) {
  const fine = OVERSAMPLING * side;
  const down = samplesOf(height, fine);
  const across = samplesOf(width, fine);
  const view = new Float32Array(side * side);
  for (let row = 0; row < fine; row++) {
    const upper = read(down.first[row]);
    const lower = read(down.second[row]);
    const start = side * Math.floor(row / OVERSAMPLING);
    for (let column = 0; column < fine; column++) {
      const root = between(
        sample(upper, across, column),
        sample(lower, across, column),
        down.share[row],
      );
      const pixel = start + Math.floor(column / OVERSAMPLING);
      view[pixel] += (116 * root - 16) / OVERSAMPLING ** 2;
    }
  }
  return view;
}

/**
 * Returns the cube roots of a photo's pixels with the network's colors.
 *
 * @param {Uint8ClampedArray} rgba sRGB levels of a part of the photo.
 * @param {object} place
 * @param {number} place.top the first of its rows.
 * @param {number} place.left the first of its columns; without it, rows are
 *   whole.
 * @param {number} place.columns their number.
 * @param {number} place.width of the photo.
 * @param {number} place.height of the photo.
 * @param {object} colors
 * @param {Float32Array} colors.ab L*a*b* units, two to a pixel.
 * @param {number} colors.side of their square, in pixels.
 * @returns {Float32Array} three to a pixel, as in `lab.js`.
 */
export function coloredRoots(rgba, place, { ab, side }) {
  const { top, left = 0, width, height, columns = width } = place;
  const down = samplesOf(side, height);
  const across = samplesOf(side, width);
  const stretched = new Float32Array(2 * side);
  const roots = new Float32Array((rgba.length / 4) * 3);
  for (let from = 0, row = top; from < rgba.length; row++) {
    stretch(ab, down, row, stretched);
    for (let column = left; column < left + columns; column++, from += 4) {
      const to = (from / 4) * 3;
      const y = lightnessRoot(rgba, from);
      const before = 2 * across.first[column];
      const after = 2 * across.second[column];
      const share = across.share[column];
      const a = between(stretched[before], stretched[after], share);
      const b = between(stretched[before + 1], stretched[after + 1], share);
      roots[to] = y + a / 500;
      roots[to + 1] = y;
      roots[to + 2] = y - b / 200;
    }
  }
  return roots;
}

// Writes one row of the photo, as wide as the square, between two of its rows.
function stretch(ab, down, row, stretched) {
  const upper = stretched.length * down.first[row];
  const lower = stretched.length * down.second[row];
  for (let i = 0; i < stretched.length; i++) {
    stretched[i] = between(ab[upper + i], ab[lower + i], down.share[row]);
  }
}

// For each place along a resized side, its two neighbors in the original, and
// the share of the second: TensorFlow's bilinear resizing.
function samplesOf(from, to) {
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const share = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const center = ((i + 0.5) * from) / to - 0.5;
    const before = Math.floor(center);
    first[i] = Math.max(before, 0);
    second[i] = Math.min(before + 1, from - 1);
    share[i] = center - before;
  }
  return { first, second, share };
}

function sample(row, { first, second, share }, column) {
  return between(
    lightnessRoot(row, 4 * first[column]),
    lightnessRoot(row, 4 * second[column]),
    share[column],
  );
}

function between(first, second, share) {
  return first + share * (second - first);
}
