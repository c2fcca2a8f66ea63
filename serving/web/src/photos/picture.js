// Decoded pictures, drawn at the size that is needed.

/**
 * Draws a picture smaller, or as large as it is.
 *
 * @param {ImageBitmap} picture
 * @param {number} scale of its sides, at most 1.
 * @returns {OffscreenCanvas}
 */
export function canvasOf(picture, scale) {
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.floor(picture.width * scale)),
    Math.max(1, Math.floor(picture.height * scale)),
  );
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * Draws a picture so that its longer side is at most as long as given.
 *
 * @param {ImageBitmap} picture is closed.
 * @param {number} side in pixels; smaller pictures keep theirs.
 * @returns {OffscreenCanvas}
 */
export function shrunk(picture, side) {
  const longer = Math.max(picture.width, picture.height);
  const canvas = canvasOf(picture, Math.min(1, side / longer));
  picture.close();
  return canvas;
}

/**
 * @param {OffscreenCanvas} canvas
 * @returns {ImageData} all of it.
 */
export function pixelsOf(canvas) {
  const context = canvas.getContext("2d");
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/**
 * Draws a part of a picture.
 *
 * @param {ImageBitmap} picture
 * @param {object} place
 * @param {number} place.width of the whole picture at the scale of the result.
 * @param {number} place.height likewise.
 * @param {number} place.left the first column of the part.
 * @param {number} place.top the first row of the part.
 * @param {number} place.columns of the part.
 * @param {number} place.rows of the part.
 * @returns {OffscreenCanvas}
 */
export function partOf(picture, place) {
  const { width, height, left, top, columns, rows } = place;
  const canvas = new OffscreenCanvas(columns, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, -left, -top, width, height);
  return canvas;
}
