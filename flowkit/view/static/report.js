// The report as a host: unpack the payload that stands in the page, and show it in place of the plain table.

import { mountApp } from "./app.js";
import { unpackedText } from "./inflate.js";

const fallback = document.getElementById("fallback");
try {
  const payload = JSON.parse(await unpackedText(document.getElementById("data").textContent));
  const app = mountApp(document.getElementById("app"), payload);
  fallback.remove();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
  globalThis.flowkit = app;
} catch (error) {
  const note = document.getElementById("boot");
  note.textContent = `The matrix could not be drawn: ${error}`;
  note.hidden = false;
  fallback.classList.add("fk-needed");
}
