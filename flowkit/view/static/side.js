// The panel beside the matrix: the ports of what is selected, with the evidence for each, to read and to take away.

import { toCsv, toJson } from "./csv.js";
import { copy, el } from "./dom.js";
import { toPromql, toWireshark, toYamlRules } from "./exports.js";
import { amountText, bytesText, countText, periodText, plural, portText } from "./format.js";
import { columnOf, seen, totals } from "./model.js";

const MOST = 40;
const SIGNS = ["●", "✕", "○"];
const VERDICT_SIGNS = ["", "✓", "▲", "?", "⊘"];
/** @type {[string, (model: Model, edges: number[]) => string][]} */
const COPIES = [
  ["CSV", toCsv],
  ["JSON", toJson],
  ["YAML rule", toYamlRules],
  ["PromQL", toPromql],
  ["Wireshark filter", toWireshark],
];
const HINTS = [
  "Click a cell for its ports.",
  "Click a name for its whole row or column.",
  "Click a namespace's band to collapse it.",
  "Drag to pan, Ctrl+wheel to zoom, double click to fit.",
  "With the keyboard: arrows, Ctrl+arrow, Enter, c.",
];

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {import("./selection.js").Selection} Selection
 * @typedef {{filterTo: (selection: Selection) => void, showInTable: (selection: Selection) => void}} Actions
 */

/**
 * A state as a sign and a word.
 * @param {Model} model
 * @param {number} state
 */
export function stateText(model, state) {
  return `${SIGNS[state]} ${model.states[state]}`;
}

/** @returns {Node[]} */
export function emptySide() {
  return [
    el("h2", {}, "Nothing selected"),
    el("ul", { class: "fk-hints" }, ...HINTS.map((hint) => el("li", {}, hint))),
  ];
}

/**
 * @param {Model} model
 * @param {Selection} selection
 * @param {string} measure
 * @param {Actions} actions
 * @returns {Node[]}
 */
export function filledSide(model, selection, measure, actions) {
  const title = el("h2", {}, el("bdi", {}, selection.client), " → ", el("bdi", {}, selection.server));
  if (!selection.edges.length) {
    return [title, el("p", { class: "fk-muted" }, "No traffic between them.")];
  }
  const values = model.edges[columnOf(measure)];
  const sorted = selection.edges.toSorted((one, other) => values[other] - values[one]);
  return [
    title,
    summary(model, sorted),
    buttons(model, sorted, selection, actions),
    el("ul", { class: "fk-ports" }, ...sorted.slice(0, MOST).map((edge) => portEntry(model, selection, edge))),
    ...(sorted.length > MOST ? [more(sorted.length, () => actions.showInTable(selection))] : []),
  ];
}

/**
 * @param {Model} model
 * @param {number[]} edges
 */
function summary(model, edges) {
  const sums = totals(model, edges);
  const [start, end] = seen(model, edges);
  const amounts = ["bytes", "flows", "connections"].map((name) => amountText(sums[name], name));
  return el(
    "dl",
    { class: "fk-summary" },
    ...amounts.map((amount) => numberAndUnit(amount)),
    el("div", { class: "fk-wide" }, el("dt", {}, "seen"), el("dd", {}, periodText(start, end))),
  );
}

/** @param {string} amount such as 1.5 MB */
function numberAndUnit(amount) {
  const [number, unit] = amount.split(" ");
  return el("div", {}, el("dt", {}, unit), el("dd", {}, number));
}

/**
 * @param {Model} model
 * @param {number[]} edges
 * @param {Selection} selection
 * @param {Actions} actions
 */
function buttons(model, edges, selection, actions) {
  const button = (words, onclick) => el("button", { type: "button", onclick }, words);
  return el(
    "div",
    { class: "fk-buttons" },
    button("Filter to this", () => actions.filterTo(selection)),
    el(
      "span",
      { class: "fk-buttons", role: "group", "aria-label": "Copy as" },
      el("span", { class: "fk-muted" }, "Copy as"),
      ...COPIES.map(([words, write]) => button(words, (event) => copy(write(model, edges), event.currentTarget))),
    ),
  );
}

/**
 * One edge: its port and state, its amounts, and how it is known.
 * @param {Model} model
 * @param {Selection} selection
 * @param {number} edge
 */
function portEntry(model, selection, edge) {
  const at = (column) => model.edges[column][edge];
  const state = at("state");
  const amounts = `${bytesText(at("bytes"))} · ${plural(at("flows"), "flow")} · ${plural(at("connections"), "connection")}`;
  return el(
    "li",
    { class: state ? "fk-silent" : "" },
    el(
      "div",
      { class: "fk-port" },
      el("b", {}, portText(at("port"), at("proto"))),
      el("span", {}, stateText(model, state)),
    ),
    peers(model, selection, edge),
    el("div", {}, amounts),
    el("div", { class: "fk-muted" }, periodText(...seen(model, [edge]))),
    evidence(model, edge),
    verdict(model, edge),
  );
}

/**
 * The names that the title leaves open.
 * @param {Model} model
 * @param {Selection} selection
 * @param {number} edge
 */
function peers(model, selection, edge) {
  const [client, server] = [model.names[model.edges.s[edge]], model.names[model.edges.d[edge]]];
  const parts = [...(client === selection.client ? [] : [el("bdi", {}, client)]), el("span", {}, " → ")];
  if (server !== selection.server) {
    parts.push(el("bdi", {}, server));
  }
  return parts.length > 1 ? el("div", { class: "fk-peers" }, ...parts) : null;
}

/**
 * @param {Model} model
 * @param {number} edge
 */
function evidence(model, edge) {
  const by = model.edges.by[edge];
  const folded = model.edges.folded[edge];
  const copies = folded ? ` · ${countText(folded)} ${folded === 1 ? "copy" : "copies"} folded in` : "";
  const words = `direction: ${model.directions[by]}${copies}`;
  return el("div", { class: model.inferred[by] ? "fk-warned" : "fk-muted" }, words);
}

/**
 * What the policies say, and which rule of which.
 * @param {Model} model
 * @param {number} edge
 */
function verdict(model, edge) {
  const [status, rule] = [model.edges.status[edge], model.edges.rule[edge]];
  if (!status) {
    return null;
  }
  const said = rule < 0 || model.rules[rule] === model.verdicts[status];
  const because = said ? null : el("div", { class: "fk-because" }, el("bdi", {}, model.rules[rule]));
  return el("div", { class: status > 1 ? "fk-warned" : "" }, verdictText(model, status), because);
}

/**
 * A verdict as a sign and words.
 * @param {Model} model
 * @param {number} status
 */
export function verdictText(model, status) {
  return status ? `${VERDICT_SIGNS[status]} ${model.verdicts[status]}` : "–";
}

/**
 * @param {number} count
 * @param {() => void} onclick
 */
function more(count, onclick) {
  return el("p", {}, el("button", { type: "button", onclick }, `Show all ${countText(count)} in the table`));
}
