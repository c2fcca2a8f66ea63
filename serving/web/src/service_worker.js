// Keeps the page's files for use without a network, and adds the headers that
// let WebAssembly use threads, on any server.

const FILES = {}; // Paths and hashes, written by the build.

const CACHE = "keras_colorizer";
const INDEX = "index.html";
const HEADERS = {
  // Browsers give memory that threads share to pages of these alone.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
// A function of relaxed SIMD alone: i8x16.relaxed_swizzle of two vectors.
const RELAXED_SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
);

addEventListener("install", (event) => {
  event.waitUntil(needed().then((paths) => Promise.all(paths.map(kept))));
});

addEventListener("activate", (event) => {
  event.waitUntil(Promise.all([forgetOthers(), clients.claim()]));
});

addEventListener("fetch", (event) => {
  const path = pathOf(event.request.url);
  if (path in FILES) event.respondWith(answer(path));
});

// All but the runtimes that this browser will not ask for next time.
async function needed() {
  const runtimes = await neededRuntimes();
  return Object.keys(FILES).filter((path) => {
    const [, runtime] = /^wasm\/litert_wasm_(.*)internal/.exec(path) ?? [];
    return runtime === undefined || runtimes.includes(runtime);
  });
}

async function neededRuntimes() {
  if (!WebAssembly.validate(RELAXED_SIMD)) return ["compat_"];
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  if (!adapter) return ["threaded_"];
  return ["threaded_", WebAssembly.Suspending ? "jspi_" : ""];
}

async function answer(path) {
  const { body, headers, status } = await kept(path);
  const more = new Headers(headers);
  for (const [name, value] of Object.entries(HEADERS)) more.set(name, value);
  return new Response(body, { headers: more, status });
}

// Returns a file, and fetches it only if it is not yet here.
async function kept(path) {
  const cache = await caches.open(CACHE);
  const key = keyOf(path);
  const found = await cache.match(key);
  if (found) return found;
  const url = new URL(path, registration.scope);
  const integrity = FILES[path];
  const fetched = await fetch(url, { integrity, cache: "no-cache" });
  if (!fetched.ok) throw new Error(`${path}: ${fetched.status}`);
  await cache.put(key, fetched.clone());
  return fetched;
}

async function forgetOthers() {
  const cache = await caches.open(CACHE);
  const keys = new Set(Object.keys(FILES).map(keyOf));
  for (const { url } of await cache.keys()) {
    if (!keys.has(url)) await cache.delete(url);
  }
}

// A file of another version is another file.
function keyOf(path) {
  const url = new URL(path, registration.scope);
  url.search = encodeURIComponent(FILES[path]);
  return url.href;
}

function pathOf(url) {
  const { origin, pathname } = new URL(url);
  const scope = new URL(registration.scope);
  const isInside =
    origin === scope.origin && pathname.startsWith(scope.pathname);
  if (!isInside) return "";
  return pathname.slice(scope.pathname.length) || INDEX;
}
