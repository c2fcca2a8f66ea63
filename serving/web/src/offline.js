// The page without a network: a service worker keeps its files.

const SCRIPT = "service_worker.js";

/**
 * Has the browser keep the page, for when there is no network.
 *
 * @param {string} folder of the page.
 * @returns {Promise<string>} a sentence that says whether it does.
 */
export async function keepOffline(folder) {
  if (!("serviceWorker" in navigator)) {
    return (
      "It needs a network: browsers keep only pages from https:// or from " +
      "this computer."
    );
  }
  try {
    const url = new URL(SCRIPT, folder);
    const kept = await navigator.serviceWorker.register(url);
    // Without a network, the version that is kept will do.
    if (kept.active) await kept.update().catch(() => {});
    await navigator.serviceWorker.ready;
    return "It works without a network from now on.";
  } catch {
    return "It needs a network: the browser does not keep this page.";
  }
}
