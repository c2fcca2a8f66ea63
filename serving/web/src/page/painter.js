// The pictures of one photo: a draft at once, the rest when the hand rests.

const SIDE = 1600; // Pixels of the longer side: enough for a screen.
const DRAFT_SIDE = 512;
const REST = 180; // Milliseconds.

export class Painter {
  #renderer;
  #comparison;
  #view;
  #photo = null;
  #size = null; // Of the opened photo.
  #wanted = {}; // Colors and their factor.
  #painted = {}; // The wanted ones that each part shows.
  #changed = 0;
  #isBusy = false;
  #timer = null;

  /**
   * @param {WorkerClient} renderer of a `rendering` worker.
   * @param {Comparison} comparison
   * @param {View} view of the photo.
   */
  constructor(renderer, comparison, view) {
    this.#renderer = renderer;
    this.#comparison = comparison;
    this.#view = view;
  }

  /** The width of the photo; 0 before it is known. */
  get width() {
    return this.#size?.width ?? 0;
  }

  /** @param {?Photo} photo to paint from now on. */
  show(photo) {
    this.#photo = photo;
    this.#size = null;
    this.#wanted = {};
    this.#painted = {};
    this.#comparison.clear();
  }

  /** Paints what has changed: colors, saturation or the view. */
  update() {
    const { shown: colors, factor } = this.#photo;
    const { colors: lastColors, factor: lastFactor } = this.#wanted;
    if (colors !== lastColors || factor !== lastFactor) {
      this.#wanted = { colors, factor };
    }
    this.#changed = performance.now();
    this.#work();
  }

  async #work() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let step; (step = this.#next()); ) {
      const photo = this.#photo;
      try {
        await step();
      } catch (error) {
        if (this.#photo === photo) this.#photo = null;
        if (photo.stage === "done") photo.update({ note: error.message });
      }
    }
    this.#isBusy = false;
  }

  // Returns the most urgent step, if there is one.
  #next() {
    const photo = this.#photo;
    if (!photo || !["coloring", "done"].includes(photo.stage)) return null;
    if (this.#size === null) return () => this.#open(photo);
    const wanted = this.#wanted;
    const { whole, draft, detail } = this.#painted;
    if (wanted.colors && whole !== wanted && draft !== wanted && whole) {
      return () => this.#recolor("draft", wanted);
    }
    const isFirst = wanted.colors && !whole;
    if (!isFirst && this.#restIn() > 0) return null;
    if (wanted.colors && whole !== wanted) {
      return () => this.#recolor("whole", wanted);
    }
    const place = this.#detailPlace();
    if (place && (detail?.wanted !== wanted || !isSame(detail.place, place))) {
      return () => this.#detail(place, wanted);
    }
    return null;
  }

  // Returns the milliseconds until the hand rests, and comes back then.
  #restIn() {
    const rest = this.#changed + REST - performance.now();
    clearTimeout(this.#timer);
    if (rest > 0) this.#timer = setTimeout(() => this.#work(), rest + 1);
    return rest;
  }

  async #open(photo) {
    const { file, turn } = photo;
    const size = await this.#call("open", { file, turn });
    await this.#show("draft", wholeOf(size, DRAFT_SIDE));
    const { picture } = await this.#show("whole", wholeOf(size, SIDE));
    if (this.#photo !== photo || photo.turn !== turn) return;
    this.#size = size;
    this.#comparison.begin(file.name, size.width / size.height, picture);
  }

  async #recolor(name, wanted) {
    const photo = this.#photo;
    const { picture } = await this.#colored(name, wanted);
    if (this.#photo !== photo) return;
    this.#painted[name] = wanted;
    if (name === "draft") this.#comparison.hideDetails();
    this.#comparison.color(picture);
  }

  async #detail(place, wanted) {
    const photo = this.#photo;
    const before = await this.#show("detail", place);
    const after =
      wanted.colors && (await this.#colored("detail", wanted)).picture;
    if (this.#photo !== photo) return;
    this.#painted.detail = { place, wanted };
    this.#comparison.detail(0, before.picture, place);
    if (after) this.#comparison.detail(1, after, place);
  }

  // The part that is to be seen, where the whole picture is not fine enough.
  #detailPlace() {
    const { scale, x, y } = this.#view;
    const { width, height } = this.#size;
    const pixels = this.#comparison.width * devicePixelRatio * scale;
    const enlarged = Math.min(1, pixels / width);
    if (scale === 1 || enlarged * Math.max(width, height) <= SIDE) return null;
    const whole = wholeOf(this.#size, enlarged * Math.max(width, height));
    const left = Math.floor(x * whole.width);
    const top = Math.floor(y * whole.height);
    const right = Math.ceil((x + 1 / scale) * whole.width);
    const bottom = Math.ceil((y + 1 / scale) * whole.height);
    const [columns, rows] = [right - left, bottom - top];
    return { ...whole, left, top, columns, rows };
  }

  #show(name, place) {
    return this.#call("show", { name, place });
  }

  #colored(name, { colors, factor }) {
    return this.#call("recolor", { name, colors, saturation: factor });
  }

  #call(name, argument) {
    return this.#renderer.call(name, argument);
  }
}

function wholeOf({ width, height }, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const columns = Math.max(1, Math.floor(width * scale));
  const rows = Math.max(1, Math.floor(height * scale));
  return { width: columns, height: rows, left: 0, top: 0, columns, rows };
}

function isSame(one, other) {
  return Object.keys(one).every((key) => one[key] === other[key]);
}
