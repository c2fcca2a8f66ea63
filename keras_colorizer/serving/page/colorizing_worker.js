// Takes one photo from its file to its result, beside the page.

import { colorized } from "./model_server.js";
import { servable } from "./photo_file.js";
import { AS_STORED, decoded, shrunk } from "./picture.js";

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
  const thumbnail = thumbnailOf(picture);
  tell({ stage: "coloring", before: sent, note, thumbnail });
  const result = await colorized(url, sent, (pause) =>
    tell({ stage: "pausing", sentence: pause }),
  );
  const colored = await decoded(result, AS_STORED);
  if (colored === null) throw new Error("The result is not a picture.");
  tell({ stage: "done", result, thumbnail: thumbnailOf(colored) });
}

function thumbnailOf(picture) {
  if (picture === null) return null;
  return shrunk(picture, THUMBNAIL).transferToImageBitmap();
}

function tell(news) {
  self.postMessage(news, news.thumbnail ? [news.thumbnail] : []);
}
