// The factor that makes a photo as colorful as natural ones are, as
// keras_colorizer/chroma/saturation.py has it.

export const AUTO = "auto";

const NATURAL_CHROMA = 17; // Mean over photos of all kinds, L*a*b* units.
const MOST = 2;

/**
 * Returns the factor on predicted ab.
 *
 * @param {number|string} saturation that factor, or `auto` for the one that
 *   raises the mean chroma to that of natural photos.
 * @param {Float32Array} ab L*a*b* units, two to a pixel.
 * @returns {number}
 */
export function factorFor(saturation, ab) {
  if (saturation !== AUTO) return saturation;
  let sum = 0;
  for (let i = 0; i < ab.length; i += 2) sum += Math.hypot(ab[i], ab[i + 1]);
  const chroma = sum / (ab.length / 2);
  return Math.min(Math.max(NATURAL_CHROMA / chroma, 1), MOST);
}
