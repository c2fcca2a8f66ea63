// Sets the saturation of what a server has colored, beside the page.

import { workInDarkroom } from "./darkroom_tasks.js";
import { rootsOf } from "./lab.js";
import { AS_STORED } from "./picture.js";

workInDarkroom({
  profile: AS_STORED,
  arePainted: true,
  fileOf: ({ result }) => result,
  rootsOf: (rgba) => rootsOf(rgba),
  encoded: (canvas) => canvas.convertToBlob({ type: "image/png" }),
});
