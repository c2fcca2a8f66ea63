// Colors that a place may have had: its predicted one, those of places alike,
// and common ones of things. As in keras_colorizer/inference/suggestions.py.

import { colorOf, labOf } from "../color/lab.js";

const APART = 10; // L*a*b* units between any two.
const CELL = 10; // Side of a square of ab within which colors count as one.
const LEAST_SHARE = 0.02; // Of the places alike that have a color.
const LIGHTNESS_FALLOFF = 8.4; // Both are those of hints.
const DISTANCE_FALLOFF = 1.9;
const STRENGTHS = [1.6, 0.5, 2.4]; // Of the prediction's chroma.
const LIGHTNESS_ERROR = 1; // L* that a color may be off by.
const PALER = 0.05; // Steps of chroma, until sRGB holds it.
// Skin, brick, wood, straw, sunflower, olive, leaf, lawn, teal, sky, denim,
// navy, violet, rose, red paint and grey, a* and b* in L*a*b* units.
const PALETTE = [
  ...[[14, 17], [30, 26], [14, 28], [4, 34], [8, 70], [-6, 30], [-22, 28]],
  ...[[-36, 44], [-24, -6], [-8, -28], [2, -30], [14, -42], [28, -32]],
  ...[[34, 2], [58, 40], [0, 0]],
];

/**
 * Suggests colors of a place.
 *
 * @param {Float32Array} lightness L* of the network's view.
 * @param {object} colors `{ ab, side }`, see `coloredRoots`.
 * @param {object} place
 * @param {number} place.x in [0, 1], of the width.
 * @param {number} place.y in [0, 1], of the height.
 * @param {number} count how many, at most: black and white have no color.
 * @returns {string[]} `#rrggbb` of the place's lightness, likeliest first.
 */
export function suggestions(lightness, { ab, side }, place, count) {
  const [column, row] = [place.x, place.y].map((share) =>
    Math.min(Math.floor(share * side), side - 1),
  );
  const at = row * side + column;
  const own = [ab[2 * at], ab[2 * at + 1]];
  const near = [
    ...STRENGTHS.map((strength) => own.map((value) => strength * value)),
    ...PALETTE,
  ];
  near.sort((one, other) => distance(one, own) - distance(other, own));
  const likes = colorsOfLikes(lightness, ab, side, { at, row, column });
  return apart([own, ...likes, ...near], lightness[at], count);
}

// Returns means of the colors of places alike, the most frequent first.
function colorsOfLikes(lightness, ab, side, { at, row, column }) {
  const cells = new Map();
  let all = 0;
  for (let i = 0; i < lightness.length; i++) {
    const lighter = (lightness[i] - lightness[at]) / 50;
    const away = Math.hypot(Math.floor(i / side) - row, (i % side) - column);
    const weight = Math.exp(
      -LIGHTNESS_FALLOFF * lighter ** 2 - (DISTANCE_FALLOFF * away) / side,
    );
    const [a, b] = [ab[2 * i], ab[2 * i + 1]];
    const key = 1000 * Math.floor(a / CELL) + Math.floor(b / CELL);
    const cell = cells.get(key) ?? { share: 0, a: 0, b: 0 };
    cells.set(key, cell);
    cell.share += weight;
    cell.a += weight * a;
    cell.b += weight * b;
    all += weight;
  }
  return [...cells.values()]
    .filter(({ share }) => share > LEAST_SHARE * all)
    .sort((one, other) => other.share - one.share)
    .map(({ share, a, b }) => [a / share, b / share]);
}

// Leaves out colors that are close to one before them.
function apart(candidates, lightness, count) {
  const chosen = [];
  for (const ab of candidates) {
    const color = inGamut(lightness, ab);
    const lab = labOf(color);
    if (chosen.every((other) => distance(lab, other.lab) >= APART)) {
      chosen.push({ color, lab });
    }
    if (chosen.length === count) break;
  }
  return chosen.map(({ color }) => color);
}

// Returns a color paler where that keeps the lightness.
function inGamut(lightness, [a, b]) {
  for (let strength = 1; strength > 0; strength -= PALER) {
    const color = colorOf([lightness, strength * a, strength * b]);
    if (Math.abs(labOf(color)[0] - lightness) < LIGHTNESS_ERROR) return color;
  }
  return colorOf([lightness, 0, 0]);
}

function distance(one, other) {
  return Math.hypot(...one.map((value, i) => value - other[i]));
}
