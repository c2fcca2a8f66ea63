// Takes one photo from its file to its result, beside the page.

import { canvasOf, decoded, servable } from "./photo_file.js";
import { colorized } from "./model_server.js";

const THUMBNAIL = 112; // Pixels, of the longer side.

self.onmessage = async ({ data: { file, url } }) => {
  try {
    await colorize(file, url);
  } catch (error) {
    tell({ stage: "failed", sentence: error.message });
  }
};

async function colorize(file, url) {
  tell({ stage: "preparing" });
  const { sent, picture, note } = await servable(file);
  tell({ stage: "coloring", sent, note, thumbnail: thumbnailOf(picture) });
  const result = await colorized(url, sent, (pause) =>
    tell({ stage: "pausing", sentence: pause }),
  );
  const colored = await decoded(result);
  if (colored === null) throw new Error("The result is not a picture.");
  tell({ stage: "done", result, thumbnail: thumbnailOf(colored) });
}

function thumbnailOf(picture) {
  if (picture === null) return null;
  const longer = Math.max(picture.width, picture.height);
  const canvas = canvasOf(picture, Math.min(1, THUMBNAIL / longer));
  picture.close();
  return canvas.transferToImageBitmap();
}

function tell(news) {
  self.postMessage(news, news.thumbnail ? [news.thumbnail] : []);
}
