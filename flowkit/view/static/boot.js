// What a report runs first: unpack the program that stands in the page and add it. The page's content policy names the hash
// of the unpacked text, so that nothing but exactly this program runs. Where it cannot, the plain table stays.

import { unpackedText } from "./inflate.js";

try {
  const script = document.createElement("script");
  script.type = "module";
  script.textContent = await unpackedText(document.getElementById("program").textContent);
  document.body.append(script);
} catch (error) {
  const note = document.getElementById("boot");
  note.textContent = `The matrix could not be drawn (it needs a browser of 2023 or later): ${error}`;
  note.hidden = false;
  document.getElementById("fallback").classList.add("fk-needed");
}
