// The network, run by LiteRT on the device: WebGPU or WebAssembly.

import {
  Tensor,
  loadAndCompile,
  loadLiteRt,
  supportsFeature,
  unloadLiteRt,
} from "@litertjs/core";

const MODEL = "ab_float16.tflite";
const SIGNATURE = "predict_ab";
const HINTED_SIGNATURE = "predict_ab_with_hints";
const HINTS_SHAPE = [1, 32, 5];
const RUNTIME = "wasm/";
// L*a*b* units that rounding may change: not one level of 8 bits more.
const TOLERANCE = 1;

/**
 * Loads the network.
 *
 * WebGPU is used where it is, and where its colors of a test picture are those
 * of WebAssembly: drivers err.
 *
 * @param {URL} folder of the page.
 * @param {(state: {loaded: number, size: number}) => void} report is called
 *   with the bytes of the model that are there, and of all of it.
 * @returns {Promise<Engine>}
 * @throws {Error} a sentence.
 */
export async function openEngine(folder, report) {
  if (typeof WebAssembly === "undefined") {
    throw new Error(
      "This browser runs no WebAssembly, which the network needs: update the " +
        "browser, or allow WebAssembly in its settings.",
    );
  }
  const model = await bytesOfModel(new URL(MODEL, folder), report);
  unloadLiteRt(); // An earlier try may have left it.
  const runtime = new URL(RUNTIME, folder);
  return (await onGraphics(runtime, model)) ?? onProcessor(runtime, model);
}

class Engine {
  #signature;
  #hinted;

  // Of a file's signatures, LiteRT 2.5 runs only the first one on WebGPU: for
  // hints there is the model on WebAssembly.
  constructor(model, name, safeModel = model) {
    this.#signature = model.signatures[SIGNATURE];
    this.#hinted = safeModel.signatures[HINTED_SIGNATURE];
    /** Whether the model takes hints: files of version 0.1 do not. */
    this.takesHints = Boolean(this.#hinted);
    /** The processor that it runs on, for a sentence. */
    this.name = name;
    /** Of the square that it sees, in pixels. */
    this.side = this.#signature.getInputDetails()[0].shape[1];
  }

  /**
   * @param {Float32Array} lightness L* of the square.
   * @param {?Float32Array} hints see `rowsOf`.
   * @returns {Promise<Float32Array>} ab, L*a*b* units, two to a pixel.
   */
  async predict(lightness, hints) {
    const shape = [1, this.side, this.side, 1];
    const inputs = { lightness: new Tensor(lightness, shape) };
    if (hints) inputs.hints = new Tensor(hints, HINTS_SHAPE);
    const signature = hints ? this.#hinted : this.#signature;
    const { ab } = await signature.run(inputs);
    const values = (await ab.data()).slice();
    for (const tensor of [ab, ...Object.values(inputs)]) tensor.delete();
    return values;
  }
}

async function bytesOfModel(url, report) {
  const answer = await fetch(url).catch(() => null);
  const content = answer?.ok && (await read(answer, report).catch(() => null));
  if (content) return content;
  const why = answer ? `error ${answer.status}` : "no network";
  throw new Error(`The model “${MODEL}” could not be loaded (${why}).`);
}

async function read(answer, report) {
  const size = Number(answer.headers.get("content-length"));
  let loaded = 0;
  const counter = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.length;
      report({ loaded, size });
      controller.enqueue(chunk);
    },
  });
  const counted = new Response(answer.body.pipeThrough(counter));
  return new Uint8Array(await counted.arrayBuffer());
}

async function onGraphics(runtime, model) {
  if (!(await navigator.gpu?.requestAdapter().catch(() => null))) return null;
  try {
    await loadRuntime(runtime, { jspi: await supportsFeature("jspi") });
    const options = { precision: "fp32" };
    const fast = await compiled(model, "webgpu", { gpuOptions: options });
    const slow = await compiled(model, "wasm", {});
    const engine = new Engine(fast, "the graphics processor (WebGPU)", slow);
    const isMeant = fast.options.accelerator === "webgpu";
    if (isMeant && (await agree(engine, new Engine(slow, "")))) return engine;
  } catch (error) {
    console.info(`WebGPU is not used: ${error.message}`);
  }
  unloadLiteRt();
  return null;
}

async function onProcessor(runtime, model) {
  const threads = await hasThreads();
  await loadRuntime(runtime, { threads });
  const cores = navigator.hardwareConcurrency;
  const name = threads
    ? `the processor (WebAssembly, up to ${cores} threads)`
    : "the processor (WebAssembly, 1 thread)";
  return new Engine(await compiled(model, "wasm", {}), name);
}

async function hasThreads() {
  return (
    self.crossOriginIsolated &&
    (await supportsFeature("relaxedSimd")) &&
    (await supportsFeature("threads"))
  );
}

async function loadRuntime(folder, options) {
  // Read by the runtime: its files lie beside each other, but not beside this
  // script, and what it prints is no trouble.
  self.Module = {
    locateFile: (name) => new URL(name, folder).href,
    mainScriptUrlOrBlob: new URL("litert_wasm_threaded_internal.js", folder)
      .href,
    print: console.debug,
    printErr: console.debug,
  };
  try {
    await loadLiteRt(folder.href, options);
  } catch (error) {
    throw new Error(
      `The runtime of the network, in “${RUNTIME}”, is missing or damaged ` +
        `(${error.message ?? error}): reload this page, or build it anew.`,
    );
  }
}

async function compiled(model, accelerator, options) {
  try {
    return await loadAndCompile(model, { accelerator, ...options });
  } catch {
    throw new Error(
      `The model “${MODEL}” is damaged or cut off: reload this page, or build ` +
        "it anew.",
    );
  }
}

async function agree(engine, safe) {
  const ramp = Float32Array.from(
    { length: engine.side ** 2 },
    (_, i) => (100 * ((i * 7) % 1009)) / 1009,
  );
  const [ours, theirs] = [await engine.predict(ramp), await safe.predict(ramp)];
  return ours.every((value, i) => Math.abs(value - theirs[i]) < TOLERANCE);
}
