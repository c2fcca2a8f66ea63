// What the page needs beside its own code, and the list of all for offline use.

import { createHash } from "node:crypto";
import { cp, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";

const FILES_MARK = "const FILES = {};";

/**
 * A plugin of Vite that ships files as they are, and the service worker.
 *
 * @param {object} options
 * @param {Object<string, string>} options.copies files and folders to copy, by
 *   the name that they get.
 * @param {string} options.serviceWorker its source, with a mark for the files.
 * @returns {import("vite").Plugin}
 */
export function shippedFiles({ copies, serviceWorker }) {
  let folder;
  return {
    name: "shipped-files",
    apply: "build",
    configResolved({ root, build }) {
      folder = path.resolve(root, build.outDir);
    },
    async closeBundle() {
      for (const [name, source] of Object.entries(copies)) {
        await cp(source, path.join(folder, name), { recursive: true });
      }
      const files = JSON.stringify(await hashes(folder), null, 2);
      const source = await readFile(serviceWorker, "utf8");
      if (!source.includes(FILES_MARK)) throw new Error(FILES_MARK);
      await writeFile(
        path.join(folder, path.basename(serviceWorker)),
        source.replace(FILES_MARK, `const FILES = ${files};`),
      );
    },
  };
}

async function hashes(folder) {
  const entries = await readdir(folder, {
    recursive: true,
    withFileTypes: true,
  });
  const found = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  const pairs = found.map(async (file) => [
    path.relative(folder, file).split(path.sep).join("/"),
    integrity(await readFile(file)),
  ]);
  return Object.fromEntries(await Promise.all(pairs));
}

function integrity(bytes) {
  return `sha256-${createHash("sha256").update(bytes).digest("base64")}`;
}
