// Edges as text to take away: CSV that no spreadsheet mistakes for formulas, and JSON. Names are whole here, not as shown.

import { protocolText, timeText } from "./format.js";

export const COLUMNS = [
  "client",
  "server",
  "port",
  "protocol",
  "state",
  "bytes",
  "packets",
  "flows",
  "connections",
  "first",
  "last",
  "direction_by",
  "verdict",
  "rule",
  "folded",
];

/**
 * One edge as a record with the words of the interface.
 * @param {import("./model.js").Model} model
 * @param {number} edge
 */
export function edgeRecord(model, edge) {
  const at = (column) => model.edges[column][edge];
  const time = (column) => `${timeText(model.meta.t0 + at(column) * 1000).replace(" ", "T")}Z`;
  return {
    client: model.labels[at("s")],
    server: model.labels[at("d")],
    port: at("port") < 0 ? null : at("port"),
    protocol: protocolText(at("proto")),
    state: model.states[at("state")],
    bytes: at("bytes"),
    packets: at("packets"),
    flows: at("flows"),
    connections: at("connections"),
    first: time("first"),
    last: time("last"),
    direction_by: model.directionBy[at("by")],
    verdict: at("status") ? model.verdicts[at("status")] : null,
    rule: at("rule") < 0 ? null : model.ruleTexts[at("rule")],
    folded: at("folded"),
  };
}

/**
 * @param {import("./model.js").Model} model
 * @param {number[]} edges
 */
export function toCsv(model, edges) {
  const lines = edges.map((edge) => {
    const record = edgeRecord(model, edge);
    return COLUMNS.map((name) => csvField(record[name])).join(",");
  });
  return [COLUMNS.join(","), ...lines].join("\r\n") + "\r\n";
}

/**
 * @param {import("./model.js").Model} model
 * @param {number[]} edges
 */
export function toJson(model, edges) {
  return JSON.stringify(
    edges.map((edge) => edgeRecord(model, edge)),
    null,
    2,
  );
}

/**
 * A field in quotes; a text that a spreadsheet would run as a formula gets an apostrophe in front.
 * @param {string | number | null} value
 */
export function csvField(value) {
  if (value === null) {
    return "";
  }
  if (typeof value === "number") {
    return String(value);
  }
  const guarded = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return `"${guarded.replaceAll('"', '""')}"`;
}
