// Photos chosen in a dialog or dropped onto the page.

export class PhotoPicker {
  /**
   * @param {Iterable<HTMLInputElement>} inputs for files.
   * @param {Document} page takes photos that are dropped.
   * @param {(files: File[]) => void} onPick
   */
  constructor(inputs, page, onPick) {
    for (const input of inputs) {
      input.addEventListener("change", () => {
        onPick([...input.files]);
        input.value = ""; // Else the same photo cannot be chosen again.
      });
    }
    const { classList } = page.documentElement;
    page.addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      classList.add("dropping");
    });
    page.addEventListener("dragleave", ({ relatedTarget }) => {
      if (relatedTarget === null) classList.remove("dropping");
    });
    page.addEventListener("drop", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      classList.remove("dropping");
      onPick([...event.dataTransfer.files]);
    });
  }
}

function holdsFiles({ dataTransfer }) {
  return dataTransfer.types.includes("Files");
}
