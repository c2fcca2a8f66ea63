import { fileURLToPath } from "node:url";

import { defineConfig } from "vite";

import { shippedFiles } from "./build/shipped_files.js";

// The model: `ab_float16.tflite` of any export.
const MODEL =
  process.env.MODEL ??
  here("../../keras_colorizer/pretrained/small/ab_float16.tflite");

export default defineConfig({
  base: "./", // The folder may lie anywhere.
  build: { target: "es2022", assetsInlineLimit: 0 },
  worker: { format: "iife" }, // LiteRT cannot be loaded by a module.
  plugins: [
    shippedFiles({
      copies: {
        "ab_float16.tflite": MODEL,
        wasm: here("node_modules/@litertjs/core/wasm"),
        "icon.svg": here("../../keras_colorizer/serving/page/icon.svg"),
      },
      serviceWorker: here("src/service_worker.js"),
    }),
  ],
});

function here(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}
