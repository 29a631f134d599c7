// Who reaches whom over which port, as three columns and the ribbons between them: client → port → server. Pure.

import { portText } from "./format.js";
import { columnOf } from "./model.js";

const SANKEY_PORTS = 12;
const SANKEY_ENDS = 28;
const NODE_GAP = 7;
const NODE_SMALLEST = 2;
const NODE_LINE = 15;

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {{key: string, name: string, group: number, sum: number, y: number, height: number}} Node
 * @typedef {{step: number, from: Node, to: Node, sum: number, y0: number, y1: number, height: number, edges: number[]}} Ribbon
 */

/**
 * The three keys of every edge. Ends are namespaces, of one chosen namespace its workloads: all workloads would be a knot.
 * @param {Model} model
 * @param {number[]} edges
 * @param {Set<number>} groups the namespaces filtered to
 */
function keysOf(model, edges, groups) {
  const { s, d, port, proto } = model.edges;
  const end = (leaf) => {
    const group = model.ns[leaf];
    const alone = groups.size === 1 && groups.has(group);
    return alone
      ? { key: `w${leaf}`, name: model.names[leaf], group }
      : { key: `n${group}`, name: model.groups[group], group };
  };
  return edges.map((edge) => {
    const name = portText(port[edge], proto[edge]);
    return [end(s[edge]), { key: name, name, group: -1 }, end(d[edge])];
  });
}

/**
 * @param {Model} model
 * @param {number[]} edges
 * @param {{measure: string, groups: Set<number>, height: number}} options
 * @returns {{columns: Node[][], ribbons: Ribbon[], total: number}}
 */
export function sankeyLayout(model, edges, { measure, groups, height }) {
  const values = model.edges[columnOf(measure)];
  const keys = keysOf(model, edges, groups);
  const columns = [0, 1, 2].map((i) => nodesOf(keys, edges, { i, values, most: i === 1 ? SANKEY_PORTS : SANKEY_ENDS }));
  const total = edges.reduce((sum, edge) => sum + values[edge], 0);
  const gaps = Math.max(...columns.map(({ nodes }) => nodes.length - 1)) * NODE_GAP;
  const unit = Math.max(0, height - gaps) / Math.max(1, total);
  columns.forEach(({ nodes }) => placeNodes(nodes, unit));
  const found = [0, 1].map((i) => ribbonsOf(keys, edges, { from: columns[i], to: columns[i + 1], i, values }));
  found.forEach((ribbons) => attach(ribbons, unit));
  return { columns: columns.map(({ nodes }) => nodes), ribbons: found.flat(), total };
}

/**
 * @param {{key: string, name: string, group: number}[][]} keys
 * @param {number[]} edges
 * @param {{i: number, values: number[], most: number}} column
 */
function nodesOf(keys, edges, { i, values, most }) {
  /** @type {Map<string, Node>} */
  const all = new Map();
  edges.forEach((edge, at) => {
    const end = keys[at][i];
    const node = all.get(end.key) ?? { ...end, sum: 0, y: 0, height: 0 };
    node.sum += values[edge];
    all.set(end.key, node);
  });
  const sorted = [...all.values()].sort((one, other) => other.sum - one.sum);
  const nodes = sorted.slice(0, sorted.length > most ? most : sorted.length);
  const rest = sorted.slice(nodes.length);
  const other = {
    key: "",
    name: `${rest.length} other${i === 1 ? " ports" : "s"}`,
    group: -1,
    sum: 0,
    y: 0,
    height: 0,
  };
  const of = new Map(nodes.map((node) => [node.key, node]));
  for (const node of rest) {
    other.sum += node.sum;
    of.set(node.key, other);
  }
  return { nodes: rest.length ? [...nodes, other] : nodes, of };
}

/**
 * @param {Node[]} nodes
 * @param {number} unit pixels a unit of the measure
 */
function placeNodes(nodes, unit) {
  let y = 0;
  for (const node of nodes) {
    node.y = y;
    node.height = Math.max(NODE_SMALLEST, node.sum * unit);
    y += Math.max(node.height + NODE_GAP, NODE_LINE); // a name needs a line
  }
}

/**
 * @param {{key: string}[][]} keys
 * @param {number[]} edges
 * @param {{from: {of: Map<string, Node>}, to: {of: Map<string, Node>}, i: number, values: number[]}} sides
 * @returns {Ribbon[]}
 */
function ribbonsOf(keys, edges, { from, to, i, values }) {
  /** @type {Map<Node, Map<Node, Ribbon>>} */
  const found = new Map();
  edges.forEach((edge, at) => {
    const [start, end] = [from.of.get(keys[at][i].key), to.of.get(keys[at][i + 1].key)];
    const row = found.get(start) ?? new Map();
    const ribbon = row.get(end) ?? { step: i, from: start, to: end, sum: 0, y0: 0, y1: 0, height: 0, edges: [] };
    ribbon.sum += values[edge];
    ribbon.edges.push(edge);
    row.set(end, ribbon);
    found.set(start, row);
  });
  return [...found.values()].flatMap((row) => [...row.values()]);
}

/**
 * Lay ribbons side by side on their nodes, in the order in which they leave and arrive.
 * @param {Ribbon[]} ribbons
 * @param {number} unit
 */
function attach(ribbons, unit) {
  const [left, right] = [new Map(), new Map()];
  const take = (used, node, height) => {
    const y = used.get(node) ?? node.y;
    used.set(node, y + height);
    return y;
  };
  for (const ribbon of ribbons) {
    ribbon.height = Math.max(0.5, ribbon.sum * unit);
  }
  for (const ribbon of ribbons.toSorted((one, other) => one.to.y - other.to.y)) {
    ribbon.y0 = take(left, ribbon.from, ribbon.height);
  }
  for (const ribbon of ribbons.toSorted((one, other) => one.from.y - other.from.y)) {
    ribbon.y1 = take(right, ribbon.to, ribbon.height);
  }
}
