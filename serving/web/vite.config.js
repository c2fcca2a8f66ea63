import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { defineConfig } from "vite";

const FILES_MARK = "const FILES = {};";

export default defineConfig({
  base: "./", // The folder may lie anywhere.
  build: { target: "es2022", assetsInlineLimit: 0 },
  worker: { format: "iife" }, // LiteRT cannot be loaded by a module.
  plugins: [serviceWorker("src/service_worker.js")],
});

/** Adds the service worker to the build, with the hashes of all its files. */
function serviceWorker(script) {
  let root, folder;
  return {
    name: "service-worker",
    apply: "build",
    configResolved(config) {
      root = config.root;
      folder = path.resolve(root, config.build.outDir);
    },
    async closeBundle() {
      const source = await readFile(path.join(root, script), "utf8");
      if (!source.includes(FILES_MARK)) throw new Error(FILES_MARK);
      const files = JSON.stringify(await hashes(folder), null, 2);
      await writeFile(
        path.join(folder, path.basename(script)),
        source.replace(FILES_MARK, `const FILES = ${files};`),
      );
    },
  };
}

async function hashes(folder) {
  const options = { recursive: true, withFileTypes: true };
  const files = (await readdir(folder, options))
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  const pairs = files.map(async (file) => [
    path.relative(folder, file).split(path.sep).join("/"),
    integrity(await readFile(file)),
  ]);
  return Object.fromEntries(await Promise.all(pairs));
}

function integrity(bytes) {
  return `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
}
