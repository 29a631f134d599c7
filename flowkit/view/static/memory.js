// What a reader chose, in names and not in numbers, so that it outlives the payload: a live matrix changes under one's hands.

import { regionAt } from "./selection.js";

/**
 * @typedef {object} Memory
 * @property {any} state
 * @property {string[]} groups of the filter
 * @property {{clients: string[], servers: string[], words: string} | null} pair
 * @property {string[]} collapsed
 * @property {any} selection
 * @property {{key: string, caret: number | null} | null} focus
 */

/**
 * @param {any} app
 * @returns {Memory}
 */
export function remember({ model, state, matrix, root, brushed }) {
  const { groups, pair } = state.filter;
  const labels = (numbers) => [...numbers].map((number) => model.labels[number]);
  const names = (numbers) => [...numbers].map((number) => model.nsNames[number]);
  return {
    state,
    brushed,
    groups: names(groups),
    pair: pair && { ...pair, clients: labels(pair.clients), servers: labels(pair.servers) },
    collapsed: names(matrix.collapsed),
    selection: selectionInNames(matrix),
    focus: focusIn(root),
  };
}

/**
 * The state of the old payload in the numbers of the new one; a name that is gone filters nothing out.
 * @param {import("./model.js").Model} model
 * @param {Memory} memory
 */
export function recalled(model, { state, groups, pair, collapsed }) {
  const numbers = (names, all) => new Set(names.map((name) => all.indexOf(name)).filter((number) => number >= 0));
  const labels = (names) => numbers(names, model.labels);
  return {
    state: {
      ...state,
      filter: {
        ...state.filter,
        groups: numbers(groups, model.nsNames),
        pair: pair && { ...pair, clients: labels(pair.clients), servers: labels(pair.servers) },
        only: null, // numbers of edges, which are others now
      },
    },
    collapsed: numbers(collapsed, model.nsNames),
  };
}

/**
 * The selected cell, row or column as the names of its ends (null: all of that side); null if nothing such is selected.
 * @param {import("./matrix.js").MatrixCanvas} matrix
 * @returns {{row: string | null, column: string | null} | null}
 */
export function selectionInNames({ model, layout, selection: at }) {
  if (!at || (at.r0 !== at.r1 && !at.rAll) || (at.c0 !== at.c1 && !at.cAll)) {
    return null;
  }
  return {
    row: at.rAll ? null : fullName(model, layout.rows[at.r0]),
    column: at.cAll ? null : fullName(model, layout.columns[at.c0]),
  };
}

/**
 * Select what had these names, if it is still there.
 * @param {import("./matrix.js").MatrixCanvas} matrix
 * @param {{row: string | null, column: string | null} | null} names
 * @returns {boolean} whether it is
 */
export function chooseNamed(matrix, names) {
  const { model, layout, size } = matrix;
  const place = (items, wanted) => (wanted === null ? 0 : items.findIndex((item) => fullName(model, item) === wanted));
  const at = names && { r: place(layout.rows, names.row), c: place(layout.columns, names.column) };
  if (!at || at.r < 0 || at.c < 0 || !layout.cells.length) {
    return false;
  }
  matrix.choose(regionAt(size, at, names.row === null ? "column" : names.column === null ? "row" : "cell"));
  return true;
}

/**
 * @param {import("./model.js").Model} model
 * @param {import("./layout.js").Item} item
 */
function fullName({ nsNames, labels }, { group, leaf }) {
  return `${nsNames[group]}\n${labels[leaf] ?? ""}`;
}

/** @param {HTMLElement} root */
function focusIn(root) {
  const held = document.activeElement;
  return held && root.contains(held) ? { key: focusKey(held), caret: held.selectionStart ?? null } : null;
}

/**
 * Give the focus back to the control that had it.
 * @param {HTMLElement} root
 * @param {Memory["focus"]} focus
 */
export function refocus(root, focus) {
  const found =
    focus && [...root.querySelectorAll("[data-lm-suppress-shortcuts]")].find((one) => focusKey(one) === focus.key);
  if (found) {
    found.focus({ preventScroll: true });
    if (focus.caret !== null && found.setSelectionRange) {
      found.setSelectionRange(focus.caret, focus.caret);
    }
  }
}

/** @param {Element} element */
function focusKey(element) {
  const name = element.tagName === "CANVAS" ? "" : (element.getAttribute("aria-label") ?? element.textContent);
  return `${element.tagName} ${name}`;
}
