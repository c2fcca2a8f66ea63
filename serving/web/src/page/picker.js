// Photos chosen in a dialog, pasted, or dropped onto the page, in folders too.

import { fromEvent } from "file-selector";

export class PhotoPicker {
  #onPick;

  /**
   * @param {Iterable<HTMLInputElement>} inputs for files.
   * @param {Document} page takes photos that are dropped or pasted.
   * @param {(files: File[]) => void} onPick
   */
  constructor(inputs, page, onPick) {
    this.#onPick = onPick;
    for (const input of inputs) {
      input.addEventListener("change", () => {
        onPick([...input.files]);
        input.value = ""; // Else the same photo cannot be chosen again.
      });
    }
    const { classList } = page.documentElement;
    page.addEventListener("dragover", (event) => {
      if (!holdsFiles(event.dataTransfer)) return;
      event.preventDefault();
      classList.add("dropping");
    });
    page.addEventListener("dragleave", ({ relatedTarget }) => {
      if (relatedTarget === null) classList.remove("dropping");
    });
    page.addEventListener("drop", (event) => {
      classList.remove("dropping");
      if (holdsFiles(event.dataTransfer)) this.#take(event);
    });
    page.addEventListener("paste", (event) => {
      if (holdsFiles(event.clipboardData)) this.#take(event);
    });
  }

  async #take(event) {
    event.preventDefault();
    this.#onPick((await fromEvent(event)).filter(isMeant));
  }
}

function holdsFiles({ types }) {
  return types.includes("Files");
}

// Folders hold much else, but a file that was dropped itself is meant.
function isMeant({ path, type, name }) {
  const isInFolder = path.replace(/^\.?\//, "").includes("/");
  return !isInFolder || /^image\//.test(type) || name.endsWith(".json");
}
