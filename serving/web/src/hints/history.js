// States that can be undone and redone.

export class History {
  #states;
  #at = 0;

  /** @param {*} first state. */
  constructor(first) {
    this.#states = [first];
  }

  get present() {
    return this.#states[this.#at];
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#states.length - 1;
  }

  /** Adds a state, and forgets those that were undone. */
  push(state) {
    this.#at += 1;
    this.replace(state);
  }

  /** Puts a state in place of the present one, as while a hand moves. */
  replace(state) {
    this.#states.splice(this.#at, Infinity, state);
  }

  undo() {
    if (this.canUndo) this.#at -= 1;
  }

  redo() {
    if (this.canRedo) this.#at += 1;
  }

  /** Changes all states. */
  map(change) {
    this.#states = this.#states.map(change);
  }
}
