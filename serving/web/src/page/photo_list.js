// The list of photos: the state of each, and buttons for it.

const STAGES = {
  waiting: "Waiting",
  preparing: "Preparing …",
  coloring: "Coloring …",
  done: "Done",
  failed: "Failed",
};

export class PhotoList {
  #list;
  #template;
  #rows = new Map();
  #on;

  /**
   * @param {HTMLOListElement} list
   * @param {HTMLTemplateElement} template of a row.
   * @param {object} on
   * @param {(photo: Photo) => void} on.choose
   * @param {(photo: Photo) => void} on.save
   * @param {(photo: Photo) => void} on.retry
   * @param {(photo: Photo) => void} on.remove
   */
  constructor(list, template, on) {
    this.#list = list;
    this.#template = template;
    this.#on = on;
  }

  /** @param {Photo} photo gets a row that shows its state. */
  add(photo) {
    const row = this.#template.content.cloneNode(true).firstElementChild;
    const { name } = photo.file;
    row.querySelector(".name").textContent = name;
    for (const [action, label] of [
      ["choose", ""],
      ["save", `Save ${name}`],
      ["retry", `Try ${name} again`],
      ["remove", `Remove ${name}`],
    ]) {
      const button = row.querySelector(`.${action}`);
      if (label) button.setAttribute("aria-label", label);
      button.onclick = () => this.#on[action](photo);
    }
    // This button disappears then, and would take the focus with it.
    row.querySelector(".retry").addEventListener("click", () =>
      row.querySelector(".choose").focus(),
    );
    this.#rows.set(photo, row);
    this.#list.append(row);
    photo.addEventListener("change", () => update(row, photo));
    update(row, photo);
  }

  /** @param {Photo} photo loses its row; the keyboard goes to the next one. */
  remove(photo) {
    const row = this.#rows.get(photo);
    const next = row.nextElementSibling ?? row.previousElementSibling;
    if (row.contains(document.activeElement)) {
      next?.querySelector(".choose").focus();
    }
    row.remove();
    this.#rows.delete(photo);
  }

  /** @param {Photo} photo marked as the one in the viewer. */
  mark(photo) {
    for (const [other, row] of this.#rows) {
      const current = other === photo ? "true" : null;
      row.querySelector(".choose").ariaCurrent = current;
    }
  }
}

function update(row, photo) {
  const { stage, note, activity, trouble, thumbnail } = photo;
  const state = note ? `${STAGES[stage]}. ${note}` : STAGES[stage];
  row.querySelector(".state").textContent = activity || state;
  row.querySelector(".trouble").textContent = trouble;
  row.querySelector(".save").hidden = stage !== "done";
  row.querySelector(".retry").hidden = stage !== "failed";
  if (thumbnail) paint(row.querySelector("canvas"), thumbnail);
}

function paint(canvas, thumbnail) {
  canvas.width = thumbnail.width;
  canvas.height = thumbnail.height;
  canvas.getContext("2d").drawImage(thumbnail, 0, 0);
}
