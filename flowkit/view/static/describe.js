// What is said about a place in the matrix: in the tip beside the pointer, to a screen reader, as the title of a selection.

import { amountText, isolated, plural, shown } from "./format.js";
import { bands, cellAt, edgesOf } from "./layout.js";
import { columnOf, portsOf } from "./model.js";

const MOST_PORTS = 4;
const ALWAYS = ["bytes", "flows", "connections"];

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {import("./layout.js").Layout} Layout
 * @typedef {{title: string, lines: string[]}} Description
 */

/**
 * @param {Model} model
 * @param {import("./layout.js").Item} item
 */
export function itemName(model, item) {
  return item.leaf < 0 ? model.groups[item.group] : model.names[item.leaf];
}

/**
 * @param {Model} model
 * @param {Layout} layout
 * @param {{r: number, c: number}} place
 * @param {string} measure
 * @returns {Description}
 */
export function describeCell(model, layout, place, measure) {
  const [client, server] = [layout.rows[place.r], layout.columns[place.c]];
  const title = `${isolated(itemName(model, client))} → ${isolated(itemName(model, server))}`;
  const cell = cellAt(layout, place.r, place.c);
  if (!cell) {
    return { title, lines: ["no traffic"] };
  }
  const edges = edgesOf(layout, cell);
  return {
    title,
    lines: [amounts(model, edges, columnOf(measure)), portLine(model, edges, measure), ...remarks(model, edges)],
  };
}

/**
 * @param {Model} model
 * @param {number[]} edges
 * @param {string} column the one to say first
 */
function amounts(model, edges, column) {
  const sum = (name) => edges.reduce((total, edge) => total + model.edges[name][edge], 0);
  return [column, ...ALWAYS.filter((name) => name !== column)].map((name) => amountText(sum(name), name)).join(" · ");
}

/**
 * @param {Model} model
 * @param {number[]} edges
 * @param {string} measure
 */
function portLine(model, edges, measure) {
  const ports = portsOf(model, edges, columnOf(measure));
  const more = ports.length > MOST_PORTS ? ` +${ports.length - MOST_PORTS}` : "";
  return ports.slice(0, MOST_PORTS).join(", ") + more;
}

/**
 * Only what is not as usual.
 * @param {Model} model
 * @param {number[]} edges
 */
function remarks(model, edges) {
  const found = model.states.slice(1).flatMap((state, i) => {
    const count = edges.filter((edge) => model.edges.state[edge] === i + 1).length;
    return count ? [count === edges.length ? state : `${count} of ${edges.length} ports ${state}`] : [];
  });
  const worst = Math.max(0, ...edges.map((edge) => model.edges.status[edge]));
  if (worst) {
    const count = edges.filter((edge) => model.edges.status[edge] === worst).length;
    found.push((count < edges.length ? `${count} of ${edges.length} ports ` : "") + model.verdicts[worst]);
  }
  const changed = model.changes.slice(1).flatMap((words, i) => {
    const count = edges.filter((edge) => model.edges.change[edge] === i + 1).length;
    return count ? [count === edges.length ? words : `${count} of ${edges.length} ports ${words}`] : [];
  });
  found.push(...changed);
  const inferred = edges.some((edge) => model.inferred[model.edges.by[edge]]);
  return inferred ? [...found, "direction inferred"] : found;
}

/**
 * @param {Model} model
 * @param {Layout} layout
 * @param {{r: number, c: number, zone: string, group: number}} hover over a label or a band
 * @returns {Description}
 */
export function describeAxis(model, layout, hover) {
  const items = hover.r >= 0 ? layout.rows : layout.columns;
  const item = items[Math.max(hover.r, hover.c)];
  if (!hover.zone.endsWith("Band") && item.leaf >= 0) {
    return { title: model.names[item.leaf], lines: model.kind[item.leaf] ? [shown(model.kind[item.leaf])] : [] };
  }
  const band = bands(items).find((one) => one.group === item.group);
  const side = hover.r >= 0 ? "client" : "server";
  const count = band.whole ? "click to expand" : `${plural(band.to + 1 - band.from, side)} · click to collapse`;
  return { title: model.groups[item.group], lines: [count] };
}

/** @param {Description} description */
export function sentence({ title, lines }) {
  return `${title}: ${lines.join("; ")}`;
}

/**
 * The name of one side of a selection.
 * @param {Model} model
 * @param {import("./layout.js").Item[]} items all of the axis
 * @param {{from: number, to: number, all: boolean, side: string}} part
 */
export function sideName(model, items, { from, to, all, side }) {
  if (from === to) {
    return itemName(model, items[from]);
  }
  return all ? `any ${side}` : plural(to + 1 - from, side);
}
