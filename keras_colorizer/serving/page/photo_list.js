// The photos as rows: where each stands, and what can be done with it.

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
   * @param {(photo: Photo) => void} on.download
   * @param {(photo: Photo) => void} on.retry
   */
  constructor(list, template, on) {
    this.#list = list;
    this.#template = template;
    this.#on = on;
  }

  /** @param {Photo} photo which gets a row that follows it. */
  add(photo) {
    const row = this.#template.content.cloneNode(true).firstElementChild;
    const { name } = photo.file;
    row.querySelector(".name").textContent = name;
    for (const [action, label] of [
      ["choose", ""],
      ["download", `Download ${name}`],
      ["retry", `Try ${name} again`],
    ]) {
      const button = row.querySelector(`.${action}`);
      if (label) button.setAttribute("aria-label", label);
      button.onclick = () => this.#on[action](photo);
    }
    // The button for it is gone then, and would take the focus with it.
    row.querySelector(".retry").addEventListener("click", () =>
      row.querySelector(".choose").focus(),
    );
    this.#rows.set(photo, row);
    this.#list.append(row);
    photo.addEventListener("change", () => update(row, photo));
    update(row, photo);
  }

  /** @param {Photo} photo the one on show. */
  mark(photo) {
    for (const [other, row] of this.#rows) {
      const button = row.querySelector(".choose");
      if (other === photo) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }
}

function update(row, photo) {
  const { stage, trouble, thumbnail } = photo;
  row.querySelector(".stage").textContent =
    photo.activity || photo.note || (STAGES[stage] ?? photo.sentence);
  row.querySelector(".trouble").textContent = trouble;
  row.querySelector(".download").hidden = stage !== "done";
  row.querySelector(".retry").hidden = stage !== "failed";
  if (thumbnail) paint(row.querySelector("canvas"), thumbnail);
}

function paint(canvas, thumbnail) {
  canvas.width = thumbnail.width;
  canvas.height = thumbnail.height;
  canvas.getContext("2d").drawImage(thumbnail, 0, 0);
}
