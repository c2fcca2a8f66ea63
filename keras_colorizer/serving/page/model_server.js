// The server's REST API, TF Serving's v1: what every other client calls, too.

// No answer at all may also be a server's to a body that is far too large.
const MOST_TRIES = { busy: 6, gone: 3 };
const LONGEST_PAUSE = 30; // Seconds.
const BUSY = [429, 503];

/**
 * Has a photo colorized, and tries again while the server is busy.
 *
 * @param {string} url of the model, without a verb.
 * @param {Blob} photo a file of a format that the server reads.
 * @param {(why: string) => void} onPause is told why nothing happens.
 * @returns {Promise<Blob>} a PNG.
 * @throws {Error} a sentence for the one who chose the photo.
 */
export async function colorized(url, photo, onPause) {
  const body = requestBody(photo);
  for (let attempt = 1; ; attempt++) {
    const answer = await posted(`${url}:predict`, body);
    if (answer?.ok) return pngOf(await answer.json().catch(() => null));
    if (attempt >= triesFor(answer)) throw await refusal(answer);
    await pause(secondsBefore(answer, attempt), answer, onPause);
  }
}

/**
 * Returns a sentence about the model: which version answers, or why none does.
 *
 * @param {string} url of the model.
 * @param {string} name
 * @returns {Promise<string>}
 */
export async function statusOf(url, name) {
  const answer = await fetch(url).catch(() => null);
  if (answer === null) return "The server does not answer: is it running?";
  if (!answer.ok) return `The server has no model named “${name}”.`;
  const versions = (await answer.json()).model_version_status;
  const ready = versions.filter(({ state }) => state === "AVAILABLE");
  if (ready.length === 0) return `The model “${name}” is still loading.`;
  return `Model ${name}, version ${ready[0].version}, is ready.`;
}

function requestBody(photo) {
  const url = new FileReaderSync().readAsDataURL(photo);
  const base64 = url.slice(url.indexOf(",") + 1);
  return new Blob(['{"instances": [{"b64": "', base64, '"}]}']);
}

async function posted(url, body) {
  const headers = { "Content-Type": "application/json" };
  try {
    return await fetch(url, { method: "POST", headers, body });
  } catch {
    return null; // No connection, or one that was cut.
  }
}

function pngOf(answer) {
  const base64 = answer?.predictions?.[0]?.b64;
  if (typeof base64 !== "string") {
    throw new Error("The model answered with something else than a picture.");
  }
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Blob([bytes], { type: "image/png" });
}

function triesFor(answer) {
  if (answer === null) return MOST_TRIES.gone;
  return BUSY.includes(answer.status) ? MOST_TRIES.busy : 1;
}

function secondsBefore(answer, attempt) {
  const asked = Number(answer?.headers.get("Retry-After"));
  const backoff = 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
  return Math.min(Math.max(asked || 0, backoff), LONGEST_PAUSE);
}

async function pause(seconds, answer, onPause) {
  const why = answer === null ? "No connection" : "The server is busy";
  onPause(`${why}: trying again in ${Math.ceil(seconds)} s`);
  await new Promise((resume) => setTimeout(resume, 1000 * seconds));
}

async function refusal(answer) {
  if (answer === null) {
    return new Error(
      "The server cannot be reached, or cut the connection: is it running?",
    );
  }
  const told = await answer.json().catch(() => null);
  return new Error(sentenceFor(answer.status, reasonIn(told?.error)));
}

function sentenceFor(status, reason) {
  if (BUSY.includes(status)) {
    return "The server is too busy: try again in a while.";
  }
  if (status === 413) {
    return "The photo's file is larger than the server accepts: reduce it.";
  }
  if (status === 504) return "The server took too long and gave up.";
  return reason || `The server answered with the error ${status}.`;
}

// The graph names the photo by its place in the batch, inside of what
// TensorFlow says of the op that failed.
function reasonIn(error = "") {
  const told = /`image_bytes` element \d+ (.*?)\]?\s*(\[\[|$)/s.exec(error);
  return told ? `The photo ${told[1]}` : error;
}
