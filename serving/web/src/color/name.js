// Colors in words, for those who do not see them.

import { labOf } from "./lab.js";

const GREY = 8; // Chroma, L*a*b* units.
const DARK = 35; // L*
const LIGHT = 72;
// The ends of sectors of the hue angle of a* and b*, in degrees.
const HUES = [
  [12, "pink"],
  [45, "red"],
  [72, "orange"],
  [104, "yellow"],
  [165, "green"],
  [220, "turquoise"],
  [310, "blue"],
  [330, "violet"],
  [360, "pink"],
];
// Orange and yellow that are not light have names of their own.
const DARKER = { orange: "brown", yellow: "olive" };

/**
 * Names a color.
 *
 * @param {string} color `#rrggbb`.
 * @returns {string} such as "dark red".
 */
export function nameOf(color) {
  const [lightness, a, b] = labOf(color);
  const shade = lightness < DARK ? "dark " : lightness > LIGHT ? "light " : "";
  if (Math.hypot(a, b) < GREY) return `${shade}grey`;
  const angle = ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360;
  const [, hue] = HUES.find(([end]) => angle <= end);
  return shade + ((lightness < LIGHT - 10 && DARKER[hue]) || hue);
}
