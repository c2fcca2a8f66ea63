// L* of pixels, and pixels of L*a*b* (D65, 2 degree observer), by the cube
// roots x, y, z: L* = 116 y - 16, a* = 500 (x - y), b* = 200 (y - z).
// tests/golden/color.json holds them.
// Sources: IEC 61966-2-1:1999 for the sRGB transfer curve, CIE 15:2004 for
// L*a*b*.

// ITU-R BT.709 primaries and D65.
const XYZ_FROM_RGB = [
  [0.412453, 0.35758, 0.180423],
  [0.212671, 0.71516, 0.072169],
  [0.019334, 0.119193, 0.950227],
];
// Divided by the matrix's own white, so that neutral greys have a* = b* = 0.
const WHITENED_FROM_RGB = XYZ_FROM_RGB.map((row) => {
  const white = row[0] + row[1] + row[2];
  return row.map((share) => share / white);
});
const RGB_FROM_WHITENED = inverse(WHITENED_FROM_RGB);

// The end of the straight line below the cube root, and its slope.
const DELTA = 6 / 29;
const DELTA_CUBED = DELTA ** 3;
const SLOPE = 3 * DELTA ** 2;

const LINEAR_OF_LEVEL = Float64Array.from({ length: 256 }, (_, level) =>
  linear(level / 255),
);
const ROOT_OF_GREY = Float64Array.from(LINEAR_OF_LEVEL, cubeRoot);
// Fine enough for a tenth of a level at black, where the curve is steepest.
const STEPS = 2 ** 14;
const LEVEL_OF_STEP = Float32Array.from(
  { length: STEPS + 1 },
  (_, step) => 255 * gammaEncoded(step / STEPS),
);

/**
 * Returns the cube root y of a pixel.
 *
 * @param {Uint8ClampedArray} rgba sRGB levels, four to a pixel.
 * @param {number} at the pixel's place.
 * @returns {number}
 */
export function lightnessRoot(rgba, at) {
  const red = rgba[at];
  if (red === rgba[at + 1] && red === rgba[at + 2]) return ROOT_OF_GREY[red];
  const [toR, toG, toB] = WHITENED_FROM_RGB[1];
  return cubeRoot(
    toR * LINEAR_OF_LEVEL[red] +
      toG * LINEAR_OF_LEVEL[rgba[at + 1]] +
      toB * LINEAR_OF_LEVEL[rgba[at + 2]],
  );
}

/**
 * Writes pixels with their a* and b* multiplied; alpha stays as it is.
 *
 * With y, and so L*, unchanged, scaling a* and b* scales x - y and z - y.
 *
 * @param {Float32Array} roots x, y, z, three to a pixel.
 * @param {number} saturation 0 is grey, 1 changes nothing.
 * @param {Uint8ClampedArray} rgba is written to.
 */
export function writeSaturated(roots, saturation, rgba) {
  const [toR, toG, toB] = RGB_FROM_WHITENED;
  for (let from = 0, to = 0; from < roots.length; from += 3, to += 4) {
    const y = roots[from + 1];
    const x3 = cube(y + saturation * (roots[from] - y));
    const y3 = cube(y);
    const z3 = cube(y + saturation * (roots[from + 2] - y));
    rgba[to] = level(toR[0] * x3 + toR[1] * y3 + toR[2] * z3);
    rgba[to + 1] = level(toG[0] * x3 + toG[1] * y3 + toG[2] * z3);
    rgba[to + 2] = level(toB[0] * x3 + toB[1] * y3 + toB[2] * z3);
  }
}

function linear(encoded) {
  return encoded <= 0.04045
    ? encoded / 12.92
    : ((encoded + 0.055) / 1.055) ** 2.4;
}

function gammaEncoded(light) {
  return light <= 0.0031308
    ? 12.92 * light
    : 1.055 * light ** (1 / 2.4) - 0.055;
}

function level(light) {
  const inside = light < 0 ? 0 : light > 1 ? 1 : light;
  return LEVEL_OF_STEP[(STEPS * inside + 0.5) | 0];
}

function cubeRoot(t) {
  return t > DELTA_CUBED ? Math.cbrt(t) : t / SLOPE + 4 / 29;
}

function cube(root) {
  // `root ** 3` takes ten times as long.
  return root > DELTA ? root * root * root : SLOPE * (root - 4 / 29);
}

function inverse([u, v, w]) {
  const columns = [cross(v, w), cross(w, u), cross(u, v)];
  const determinant = columns[0].reduce((sum, c, i) => sum + c * u[i], 0);
  return [0, 1, 2].map((i) => columns.map((c) => c[i] / determinant));
}

function cross(u, v) {
  return [
    u[1] * v[2] - u[2] * v[1],
    u[2] * v[0] - u[0] * v[2],
    u[0] * v[1] - u[1] * v[0],
  ];
}

/**
 * Returns L*a*b* of a color.
 *
 * @param {string} color `#rrggbb`.
 * @returns {number[]}
 */
export function labOf(color) {
  const digits = color.match(/[0-9a-f]{2}/gi);
  const light = digits.map((pair) => LINEAR_OF_LEVEL[parseInt(pair, 16)]);
  const [x, y, z] = WHITENED_FROM_RGB.map((row) =>
    cubeRoot(row.reduce((sum, share, i) => sum + share * light[i], 0)),
  );
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/**
 * Returns the nearest color that a screen shows.
 *
 * @param {number[]} lab L*a*b*.
 * @returns {string} `#rrggbb`.
 */
export function colorOf([lightness, a, b]) {
  const y = (lightness + 16) / 116;
  const rgba = new Uint8ClampedArray(4);
  writeSaturated(Float32Array.of(y + a / 500, y, y - b / 200), 1, rgba);
  return hexOf(rgba);
}

/**
 * @param {Iterable<number>} levels red, green and blue from 0 to 255.
 * @returns {string} `#rrggbb`.
 */
export function hexOf([red, green, blue]) {
  const number = (red << 16) | (green << 8) | blue;
  return `#${number.toString(16).padStart(6, "0")}`;
}
