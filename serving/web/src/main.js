// The page's entry: connects its elements, its workers and its offline copy.

import { keepOffline } from "./offline.js";
import { App } from "./page/app.js";
import { Network } from "./page/network.js";
import { WorkerClient } from "./workers/client.js";

const network = new Network(document.baseURI, document.getElementById("model"));
new App(network, startRendering);
await network.load().catch(() => {}); // The page shows the reason.
const offline = document.getElementById("offline");
offline.textContent = await keepOffline(document.baseURI);

function startRendering() {
  return new WorkerClient(
    () => new Worker(new URL("workers/rendering.js", import.meta.url)),
  );
}
