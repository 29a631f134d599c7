// Sorts the flow table by the column whose heading is pressed, and hides rows without the words searched for.

/** @param {string} text @returns {number} the number a cell shows, NaN for any other text */
function numberOf(text) {
  return text === "" ? NaN : Number(text.replaceAll(",", ""));
}

/** @param {string} one @param {string} other @returns {number} numbers by size, texts by their letters, numbers first */
export function compared(one, other) {
  const [a, b] = [numberOf(one), numberOf(other)];
  if (Number.isNaN(a) !== Number.isNaN(b)) return Number.isNaN(a) ? 1 : -1;
  return Number.isNaN(a) ? one.localeCompare(other) : a - b;
}

/** @param {HTMLTableElement} table @param {HTMLButtonElement} button */
function sort(table, button) {
  const heading = button.closest("th");
  const turn = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", turn === 1 ? "ascending" : "descending");
  const at = heading.cellIndex;
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => turn * compared(a.cells[at].textContent, b.cells[at].textContent));
  table.tBodies[0].append(...rows);
}

/** @param {HTMLTableElement} table @param {string} words @returns {number} how many rows are left */
function search(table, words) {
  let left = 0;
  for (const row of table.tBodies[0].rows) {
    row.hidden = !row.textContent.toLowerCase().includes(words.toLowerCase());
    left += row.hidden ? 0 : 1;
  }
  return left;
}

/** @param {Document} page */
export function start(page) {
  const table = /** @type {HTMLTableElement} */ (page.querySelector("table"));
  const input = page.querySelector("input");
  const count = page.querySelector("output");
  for (const button of table.querySelectorAll("button")) {
    button.addEventListener("click", () => sort(table, button));
  }
  input.addEventListener("input", () => {
    count.textContent = `${search(table, input.value)} rows`;
  });
}

if (typeof document !== "undefined") start(document);
