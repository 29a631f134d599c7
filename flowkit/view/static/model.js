// The payload as the views use it: names ready to show, edges as columns, filters that give lists of edge numbers.

import { portText, shown } from "./format.js";

export const VERSION = 1;
export const INFERRED = "inferred";
export const DENIED = 4;
const MOST_BITS = 2 ** 28;
export const MEASURES = ["bytes", "flows", "connections", "rare"];

/**
 * @typedef {Record<string, number[]>} Columns
 * @typedef {object} Model
 * @property {string} title
 * @property {string[]} labels full names, as they are
 * @property {string[]} names full names, ready to show
 * @property {string[]} short names without their group, ready to show
 * @property {boolean[]} shortened whether the short name leaves its group out
 * @property {string[]} groups group names, ready to show
 * @property {string[]} kind
 * @property {number[]} ns group of each label
 * @property {number} pinned how many groups come first: outside and nodes
 * @property {Record<string, number[]>} orders
 * @property {Columns} edges
 * @property {number[]} all every edge number
 * @property {string[]} states
 * @property {string[]} directionBy
 * @property {string[]} directions the same, ready to show
 * @property {number[]} inferred
 * @property {string[]} verdicts what `status` means, first: not judged
 * @property {string[]} changes what `change` means, first: the same
 * @property {string[]} rules which policy and rule decided, ready to show
 * @property {any[]} policies
 * @property {any} timeline
 * @property {any} external
 * @property {any} against the other matrix, if this is a comparison
 * @property {any} meta
 * @property {any} header
 *
 * @typedef {object} Filter
 * @property {Set<number>} groups touches any of them; empty: all
 * @property {string} port "" for any
 * @property {string} proto "" for any
 * @property {string} state "", a state, or "inferred"
 * @property {string} status "" or the number of a verdict
 * @property {string} change "" or the number of a change
 * @property {{clients: Set<number>, servers: Set<number>, words: string} | null} pair
 * @property {{edges: Set<number>, words: string} | null} only
 * @property {{start: number, end: number, words: string} | null} period in seconds after t0
 */

/**
 * @param {any} payload
 * @returns {Model}
 */
export function readModel(payload) {
  if (payload.v !== VERSION) {
    throw new Error(`this page reads payload version ${VERSION}, not ${payload.v}`);
  }
  const short = payload.labels.map((label, i) =>
    shortName(label, payload.nsNames[payload.ns[i]], payload.ns[i] < payload.pinned),
  );
  const directions = payload.directionBy.map((words) => words || "not recorded");
  return {
    ...payload,
    names: payload.labels.map(shown),
    short: short.map(shown),
    shortened: short.map((name, i) => name !== payload.labels[i]),
    directions: directions.map(shown),
    groups: payload.nsNames.map(shown),
    rules: payload.ruleTexts.map(shown),
    all: payload.edges.s.map((_, i) => i),
  };
}

/**
 * @param {string} label
 * @param {string} group
 * @param {boolean} pinned
 */
function shortName(label, group, pinned) {
  return !pinned && label.startsWith(`${group}/`) ? label.slice(group.length + 1) : label;
}

/** @param {Model} model */
export function isJudged(model) {
  return model.policies.length > 0 || model.edges.status.some((status) => status > 0);
}

/** @param {Model} model */
export function isCompared(model) {
  return model.against !== null;
}

/** @returns {Filter} */
export function noFilter() {
  return {
    groups: new Set(),
    port: "",
    proto: "",
    state: "",
    status: "",
    change: "",
    pair: null,
    only: null,
    period: null,
  };
}

/** @param {Filter} filter */
export function isFiltering(filter) {
  return Object.values(filter).some((value) => (value instanceof Set ? value.size > 0 : Boolean(value)));
}

/**
 * The edges a filter lets through.
 * @param {Model} model
 * @param {Filter} filter
 * @returns {number[]}
 */
export function filtered(model, filter) {
  const tests = [
    groupTest(model, filter),
    ...["port", "proto", "status", "change"].map((column) => columnTest(model, column, filter[column])),
    stateTest(model, filter.state),
    pairTest(model, filter.pair),
    filter.only && ((edge) => filter.only.edges.has(edge)),
    periodTest(model, filter.period),
  ];
  const active = tests.filter((test) => test !== null);
  return active.length ? model.all.filter((edge) => active.every((test) => test(edge))) : model.all;
}

/**
 * @param {Model} model
 * @param {Filter} filter
 */
function groupTest(model, filter) {
  const { s, d } = model.edges;
  return filter.groups.size
    ? (edge) => filter.groups.has(model.ns[s[edge]]) || filter.groups.has(model.ns[d[edge]])
    : null;
}

/**
 * @param {Model} model
 * @param {string} column
 * @param {string} wanted
 */
function columnTest(model, column, wanted) {
  const values = model.edges[column];
  return wanted === "" ? null : (edge) => values[edge] === Number(wanted);
}

/**
 * @param {Model} model
 * @param {string} state
 */
function stateTest(model, state) {
  if (state === INFERRED) {
    return (edge) => model.inferred[model.edges.by[edge]] === 1;
  }
  return state === "" ? null : (edge) => model.states[model.edges.state[edge]] === state;
}

/**
 * Seen at some time of the period: what lies between first and last sight is not known better.
 * @param {Model} model
 * @param {Filter["period"]} period
 */
function periodTest(model, period) {
  const { first, last } = model.edges;
  return period && ((edge) => first[edge] <= period.end && last[edge] >= period.start);
}

/**
 * @param {Model} model
 * @param {Filter["pair"]} pair
 */
function pairTest(model, pair) {
  const { s, d } = model.edges;
  return pair && ((edge) => pair.clients.has(s[edge]) && pair.servers.has(d[edge]));
}

/**
 * The edges that a search finds: those with a part of either name.
 * @param {Model} model
 * @param {number[]} edges
 * @param {string} query
 */
export function searched(model, edges, query) {
  const wanted = query.trim().toLowerCase();
  if (wanted === "") {
    return edges;
  }
  const hit = model.labels.map((label) => label.toLowerCase().includes(wanted));
  const { s, d } = model.edges;
  return edges.filter((edge) => hit[s[edge]] || hit[d[edge]]);
}

/**
 * What a set of edges amounts to.
 * @param {Model} model
 * @param {number[]} edges
 */
export function totals(model, edges) {
  const sums = { bytes: 0, packets: 0, flows: 0, connections: 0 };
  const count = model.labels.length;
  const [clients, servers] = [new Marks(count), new Marks(count)];
  const pairs = new Marks(count * count);
  const byState = model.states.map(() => 0);
  const byStatus = model.verdicts.map(() => 0);
  for (const edge of edges) {
    const [client, server] = [model.edges.s[edge], model.edges.d[edge]];
    clients.add(client);
    servers.add(server);
    pairs.add(client * count + server);
    byState[model.edges.state[edge]] += 1;
    byStatus[model.edges.status[edge]] += 1;
    sums.bytes += model.edges.bytes[edge];
    sums.flows += model.edges.flows[edge];
    sums.connections += model.edges.connections[edge];
  }
  return { ...sums, clients: clients.size, servers: servers.size, pairs: pairs.size, byState, byStatus };
}

/** Which numbers below a bound were seen: as bits where they are not too many, for 400,000 edges ten times as fast as a set. */
class Marks {
  /** @param {number} bound */
  constructor(bound) {
    this.size = 0;
    this.bits = bound <= MOST_BITS ? new Uint32Array((bound >>> 5) + 1) : null;
    this.set = new Set();
  }

  /** @param {number} number */
  add(number) {
    if (!this.bits) {
      this.size = this.set.add(number).size;
    } else if (!(this.bits[number >>> 5] & (1 << (number & 31)))) {
      this.bits[number >>> 5] |= 1 << (number & 31);
      this.size += 1;
    }
  }
}

/**
 * First and last sight of a set of edges, in ms since 1970.
 * @param {Model} model
 * @param {number[]} edges
 */
export function seen(model, edges) {
  const { first, last } = model.edges;
  const start = edges.reduce((least, edge) => Math.min(least, first[edge]), Infinity);
  const end = edges.reduce((most, edge) => Math.max(most, last[edge]), 0);
  return [model.meta.t0 + start * 1000, model.meta.t0 + end * 1000];
}

/**
 * The distinct ports of a set of edges, those with the largest sum first.
 * @param {Model} model
 * @param {Iterable<number>} edges
 * @param {string} column
 */
export function portsOf(model, edges, column) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const edge of edges) {
    const port = portText(model.edges.port[edge], model.edges.proto[edge]);
    sums.set(port, (sums.get(port) ?? 0) + model.edges[column][edge]);
  }
  return [...sums].sort((one, other) => other[1] - one[1]).map(([port]) => port);
}

/**
 * The payload column behind a measure: rare shows flows, the fewest strongest.
 * @param {string} measure
 */
export function columnOf(measure) {
  return measure === "rare" ? "flows" : measure;
}
