// What happened when, as stacked amounts a bin and server namespace. Pure.

const EDGE_BINS = 120;
const SERIES_MOST = 9;
const DAY_SECONDS = 86_400;
const ROUND_SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, DAY_SECONDS];

/**
 * @typedef {{group: number, values: number[]}} Series `group` -1: all others
 * @typedef {{start: number, step: number, bins: number, column: string, series: Series[], highest: number}} Timeline times
 *   in ms since 1970
 */

/**
 * The payload's own timeline, made from flows, or else one of the edges: how many were known to be in use at a time.
 * @param {import("./model.js").Model} model
 * @param {number[]} edges
 * @param {Set<number>} groups
 * @returns {Timeline}
 */
export function timelineOf(model, edges, groups) {
  const found = model.timeline ? recorded(model.timeline, groups) : fromEdges(model, edges);
  const series = largestSeries(found.series);
  const sums = Array.from({ length: found.bins }, (_, i) => series.reduce((sum, one) => sum + one.values[i], 0));
  return { ...found, series, highest: Math.max(1, ...sums) };
}

/**
 * @param {any} timeline
 * @param {Set<number>} groups
 */
function recorded({ t0, step, column, groups: of, values }, groups) {
  const all = of.map((group, i) => ({ group, values: values[i] }));
  const series = groups.size ? all.filter(({ group }) => groups.has(group)) : all;
  return { start: t0, step, bins: values[0]?.length ?? 0, column, series };
}

/**
 * @param {import("./model.js").Model} model
 * @param {number[]} edges
 */
function fromEdges(model, edges) {
  const { first, last, d } = model.edges;
  const seconds = Math.max(1, (model.meta.t1 - model.meta.t0) / 1000);
  const step = Math.max(1, Math.ceil(seconds / EDGE_BINS));
  const bins = Math.max(1, Math.ceil((seconds + 1) / step));
  /** @type {Map<number, number[]>} */
  const of = new Map();
  for (const edge of edges) {
    const group = model.ns[d[edge]];
    const values = of.get(group) ?? new Array(bins).fill(0);
    of.set(group, values);
    for (let bin = Math.floor(first[edge] / step); bin <= Math.min(bins - 1, Math.floor(last[edge] / step)); bin += 1) {
      values[bin] += 1;
    }
  }
  const series = [...of].map(([group, values]) => ({ group, values }));
  return { start: model.meta.t0, step: step * 1000, bins, column: "edges", series };
}

/** @param {Series[]} series */
function largestSeries(series) {
  const sum = ({ values }) => values.reduce((total, value) => total + value, 0);
  const sorted = series.toSorted((one, other) => sum(other) - sum(one));
  const kept = sorted.slice(0, sorted.length > SERIES_MOST + 1 ? SERIES_MOST : sorted.length);
  const rest = sorted.slice(kept.length);
  const others = rest.length
    ? [{ group: -1, values: rest[0].values.map((_, i) => rest.reduce((all, one) => all + one.values[i], 0)) }]
    : [];
  return [...kept, ...others];
}

/**
 * The outline of every series on top of those before it, as paths in a box.
 * @param {Timeline} timeline
 * @param {{x: number, y: number, width: number, height: number}} box
 */
export function stackedPaths({ series, bins, highest }, box) {
  const below = new Array(bins).fill(0);
  const at = (value) => (box.y + box.height * (1 - value / highest)).toFixed(1);
  const x = (i) => (box.x + (box.width * i) / bins).toFixed(1);
  return series.map(({ group, values }) => {
    const bottom = below.map(at);
    values.forEach((value, i) => {
      below[i] += value;
    });
    const top = below.map(at);
    const over = top.map((y, i) => `L${x(i)} ${y}L${x(i + 1)} ${y}`).join("");
    const back = bottom
      .map((y, i) => `L${x(i + 1)} ${y}L${x(i)} ${y}`)
      .toReversed()
      .join("");
    return { group, path: `M${over.slice(1)}${back}Z` };
  });
}

/**
 * Round times of a period to write under it, and how far apart they are.
 * @param {number} start ms since 1970
 * @param {number} end
 * @param {number} most so many intervals at most
 * @returns {{times: number[], step: number}}
 */
export function roundTimes(start, end, most) {
  const seconds = (end - start) / 1000;
  const round = ROUND_SECONDS.find((one) => seconds / one <= most);
  const step = 1000 * (round ?? DAY_SECONDS * Math.ceil(seconds / DAY_SECONDS / most));
  const first = Math.ceil(start / step);
  return { times: Array.from({ length: Math.floor(end / step) - first + 1 }, (_, i) => (first + i) * step), step };
}

/**
 * Round amounts from 0 up to at most the highest, two to six of them where whole numbers allow.
 * @param {number} highest
 */
export function roundAmounts(highest) {
  const unit = 10 ** Math.floor(Math.log10(highest));
  const step = Math.max(1, unit * [0.5, 1, 2, 5].find((one) => highest / (one * unit) <= 5));
  return Array.from({ length: Math.floor(highest / step) + 1 }, (_, i) => i * step);
}
