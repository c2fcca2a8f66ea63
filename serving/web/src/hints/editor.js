// Hints of the photo on show: given, moved, recolored, removed, undone.

import { MOST } from "./hint.js";
import { HintList, shiftOf, shifted, textOf } from "./list.js";
import { HintMarks } from "./marks.js";
import { Palette } from "./palette.js";
import { suggestions } from "./suggestions.js";

const SUGGESTED = 12; // Colors: two rows.
const CENTER = { x: 0.5, y: 0.5 };
const HELP = "Click on the photo to say what color a thing had.";
const PICK = "Click on the color, in this photo or another. Esc stops.";
const FULL = `A photo takes at most ${MOST} hints.`;
const NONE = "This model takes no hints: export it anew.";

export class HintEditor {
  #element;
  #comparison;
  #view;
  #on;
  #marks;
  #list;
  #palette;
  #photo = null;
  #isPossible = false;
  #point = CENTER;
  #target = null; // The number of a hint, `new`, or null without a palette.
  #origin = null; // The element that had the keyboard before the palette.
  #picking = null; // A photo, target and point, while the eyedropper is used.

  /**
   * @param {HTMLElement} element the viewer.
   * @param {Comparison} comparison
   * @param {View} view
   * @param {object} on
   * @param {() => void} on.look follows the view.
   * @param {(photo: Photo) => void} on.show a photo.
   * @param {(photo: Photo) => void} on.save its hints.
   */
  constructor(element, comparison, view, on) {
    this.#element = element;
    this.#comparison = comparison;
    this.#view = view;
    this.#on = on;
    this.#marks = new HintMarks(this.#part(".marks"), view, {
      choose: (number) => this.#open(number),
      move: (number, place, isFirst) => this.#move(number, place, isFirst),
      aim: (place) => comparison.magnify(place),
    });
    const template = document.getElementById("hint-row");
    this.#list = new HintList(this.#part(".hints ol"), template, {
      choose: (number) => this.#open(number, true),
      remove: (number) => this.#remove(number),
      shift: (number, shift) => this.#shift(number, shift),
    });
    this.#palette = new Palette(document.getElementById("palette"), {
      choose: (color, isContinuing) => this.#choose(color, isContinuing),
      pick: () => this.#pick(),
      remove: () => this.#remove(this.#target),
      close: () => this.close(),
    });
    this.#connect();
  }

  /** @param {?Photo} photo to show from now on. */
  show(photo) {
    this.#photo = photo;
    this.#point = CENTER;
    this.#target = null;
    this.#palette.close();
  }

  /**
   * Shows the photo's present hints.
   *
   * @param {boolean} isPossible whether the model takes hints.
   */
  update(isPossible = this.#isPossible) {
    this.#isPossible = isPossible;
    const { hints, history, isWithoutHints, plain } = this.#photo;
    const isThere = this.#target === "new" || hints[this.#target];
    if (!isThere || !plain) this.#target = null;
    if (this.#target === null) this.#palette.close();
    else this.#palette.mark(hints[this.#target]?.color);
    const { canUndo, canRedo } = history;
    this.#part(".hint-actions").hidden = !canUndo && !canRedo;
    this.#part("#undo").disabled = !canUndo;
    this.#part("#redo").disabled = !canRedo;
    this.#part("#without").ariaPressed = String(isWithoutHints);
    this.#part("#save-hints").hidden = hints.length === 0;
    this.#list.draw(hints, this.#target);
    this.#part(".help").textContent = isPossible ? this.#help(hints) : NONE;
    this.look();
  }

  /** Follows the view. */
  look() {
    const { hints } = this.#photo;
    this.#marks.draw(hints, this.#point, this.#target);
    const point = this.#part("#point");
    point.classList.toggle("chosen", this.#target === "new");
    point.ariaLabel =
      `Point at ${textOf(this.#point)}: arrow keys move it, Enter suggests ` +
      "colors";
    if (this.#palette.isOpen) {
      const place = hints[this.#target] ?? this.#point;
      this.#palette.place(this.#comparison.pixelOf(place));
    }
  }

  /**
   * Opens the palette, or ends the eyedropper.
   *
   * @param {object} place of the photo that was tapped.
   * @param {boolean} isByKeyboard whether the palette takes the keyboard.
   */
  tap(place, isByKeyboard = false) {
    if (!this.#comparison.isComplete) return;
    if (this.#picking) {
      this.#endPicking(this.#comparison.colorAt(place));
    } else {
      this.#point = place;
      this.#open("new", isByKeyboard);
    }
  }

  /** Closes the palette. */
  close() {
    this.#target = null;
    this.update();
    this.#origin?.focus();
    this.#origin = null;
  }

  #part(selector) {
    return this.#element.querySelector(selector);
  }

  #connect() {
    const change = (act) => () => this.#photo.changeHints(act);
    const undo = change((history) => history.undo());
    const redo = change((history) => history.redo());
    this.#part("#undo").onclick = undo;
    this.#part("#redo").onclick = redo;
    this.#part("#without").onclick = () =>
      this.#photo.update({ isWithoutHints: !this.#photo.isWithoutHints });
    this.#part("#save-hints").onclick = () => this.#on.save(this.#photo);
    const point = this.#part("#point");
    point.onclick = () => this.tap(this.#point, true);
    point.onkeydown = (event) => this.#steer(event);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#escape();
      if (!this.#photo || !(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      if (key === "z" && !event.shiftKey) undo();
      else if (key === "y" || key === "z") redo();
      else return;
      event.preventDefault();
    });
  }

  #escape() {
    if (this.#picking) this.#endPicking(null);
    else if (this.#palette.isOpen) this.close();
  }

  #help(hints) {
    if (this.#picking) return PICK;
    return hints.length === MOST ? FULL : HELP;
  }

  #steer(event) {
    const shift = shiftOf(event);
    if (!shift) return;
    event.preventDefault();
    this.#point = shifted(this.#point, shift);
    this.#view.reveal(this.#point);
    this.#on.look();
  }

  #open(target, isByKeyboard = false) {
    const { hints, lightness, colors } = this.#photo;
    if (!lightness || !this.#isPossible || (target === "new" && hints.length === MOST)) return;
    this.#target = target;
    const hint = hints[target];
    const place = hint ?? this.#point;
    this.#comparison.uncover(place);
    this.#palette.open({
      title: hint ? `Color of hint ${target + 1}` : "Color of this place",
      colors: suggestions(lightness, colors, place, SUGGESTED),
      color: hint?.color,
    });
    if (isByKeyboard) {
      this.#origin = document.activeElement;
      this.#palette.focus();
    }
    this.update();
  }

  #choose(color, isContinuing) {
    const hints = [...this.#photo.hints];
    if (this.#target === "new") this.#target = hints.length;
    const place = hints[this.#target] ?? this.#point;
    hints[this.#target] = { ...place, color };
    this.#change(hints, isContinuing);
  }

  #move(number, { x, y }, isFirst) {
    const hints = [...this.#photo.hints];
    hints[number] = { ...hints[number], x, y };
    this.#change(hints, !isFirst);
  }

  #shift(number, shift) {
    this.#move(number, shifted(this.#photo.hints[number], shift), true);
    this.#view.reveal(this.#photo.hints[number]);
    this.#on.look();
  }

  #remove(number) {
    this.#target = null;
    this.#origin = null;
    this.#change(this.#photo.hints.filter((_, i) => i !== number));
    if (!this.#list.focus(number)) this.#part("#point").focus();
  }

  #change(hints, isContinuing = false) {
    this.#photo.changeHints((history) =>
      isContinuing ? history.replace(hints) : history.push(hints),
    );
  }

  #pick() {
    const [photo, target, point] = [this.#photo, this.#target, this.#point];
    this.#picking = { photo, target, point };
    this.#comparison.mark("picking", true);
    this.#target = null;
    this.update();
  }

  #endPicking(color) {
    const { photo, target, point } = this.#picking;
    this.#picking = null;
    this.#comparison.mark("picking", false);
    if (photo !== this.#photo) this.#on.show(photo);
    if (photo !== this.#photo) return; // It has been removed.
    this.#point = point;
    this.#open(target);
    if (color) this.#choose(color, false);
  }
}
