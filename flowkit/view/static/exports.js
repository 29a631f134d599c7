// Edges in the languages of other tools: a NetworkPolicy rule, PromQL, a Wireshark filter, OpenShift's communication matrix.

import { csvField } from "./csv.js";
import { portText, protocolText, shown } from "./format.js";

const POLICY_PROTOCOLS = new Set(["TCP", "UDP", "SCTP"]);
const ADDRESSES = "(addresses)";
const NAMESPACE_LABEL = "kubernetes.io/metadata.name";
export const COMMATRIX = [
  "Direction",
  "Protocol",
  "Port",
  "Namespace",
  "Service",
  "Pod",
  "Container",
  "Node Role",
  "Optional",
];

/**
 * @typedef {import("./model.js").Model} Model
 */

/**
 * Both ends of an edge by namespace and workload; either is empty where there is none.
 * @param {Model} model
 * @param {number} leaf
 */
export function endOf(model, leaf) {
  const group = model.ns[leaf];
  if (group < model.pinned) {
    return { namespace: "", workload: "", label: model.labels[leaf], node: model.kind[leaf] === "Node" };
  }
  const namespace = model.nsNames[group] === ADDRESSES ? "" : model.nsNames[group];
  const label = model.labels[leaf];
  const own = label.startsWith(`${namespace}/`) ? label.slice(namespace.length + 1) : label;
  const kind = ` (${model.kind[leaf]})`;
  if (label === namespace) {
    return { namespace, workload: "", label, node: false };
  }
  return { namespace, workload: own.endsWith(kind) ? own.slice(0, -kind.length) : own, label, node: false };
}

/**
 * Ingress rules for the servers, one a server. Names of workloads are no pod labels, so that a rule says the client's
 * namespace and leaves a note of who it is for.
 * @param {Model} model
 * @param {number[]} edges
 */
export function toYamlRules(model, edges) {
  const byServer = grouped(edges, (edge) => model.edges.d[edge]);
  const parts = [...byServer].map(
    ([server, own]) => `# ingress of ${shown(model.labels[server])}\ningress:\n${rulesFor(model, own)}`,
  );
  return `${parts.join("\n")}\n`;
}

/**
 * @param {number[]} edges
 * @param {(edge: number) => number} keyOf
 * @returns {Map<number, number[]>}
 */
function grouped(edges, keyOf) {
  const found = new Map();
  for (const edge of edges) {
    const key = keyOf(edge);
    found.set(key, [...(found.get(key) ?? []), edge]);
  }
  return found;
}

/**
 * @param {Model} model
 * @param {number[]} edges
 */
function rulesFor(model, edges) {
  const byClient = grouped(edges, (edge) => model.edges.s[edge]);
  return [...byClient]
    .map(([client, own]) => `- from:\n${peerLines(model, client)}${portLines(model, own)}`)
    .join("\n");
}

/**
 * @param {Model} model
 * @param {number} client
 */
function peerLines(model, client) {
  const { namespace } = endOf(model, client);
  const note = `  # ${shown(model.labels[client])}`;
  if (!namespace) {
    return `${note}: put its addresses here\n  - ipBlock:\n      cidr: 0.0.0.0/32\n`;
  }
  return `${note}: add a podSelector with its labels\n  - namespaceSelector:\n      matchLabels:\n        ${NAMESPACE_LABEL}: ${JSON.stringify(namespace)}\n`;
}

/**
 * @param {Model} model
 * @param {number[]} edges
 */
function portLines(model, edges) {
  const lines = edges.map((edge) => {
    const [port, proto] = [model.edges.port[edge], model.edges.proto[edge]];
    const name = protocolText(proto);
    return POLICY_PROTOCOLS.has(name) && port >= 0
      ? `  - protocol: ${name}\n    port: ${port}`
      : `  # ${portText(port, proto)}: a NetworkPolicy has no word for it`;
  });
  const unique = [...new Set(lines)];
  const none = unique.every((line) => line.includes("#"));
  return none ? unique.join("\n") : `  ports:\n${unique.join("\n")}`;
}

/**
 * Connections a second of these edges, as NetObserv counts them with the metric workload-syn-out.
 * @param {Model} model
 * @param {number[]} edges
 */
export function toPromql(model, edges) {
  const [clients, servers] = ["s", "d"].map((side) => edges.map((edge) => endOf(model, model.edges[side][edge])));
  const ports = edges.map((edge) => model.edges.port[edge]).filter((port) => port >= 0);
  const labels = [
    matcher(
      "namespace",
      clients.map((end) => end.namespace),
    ),
    matcher(
      "workload",
      clients.map((end) => end.workload),
    ),
    matcher(
      "to_namespace",
      servers.map((end) => end.namespace),
    ),
    matcher(
      "to_workload",
      servers.map((end) => end.workload),
    ),
    matcher("port", ports.map(String)),
  ].filter((text) => text !== "");
  return `sum by (namespace, workload, to_namespace, to_workload, port) (rate(netobserv_workload_syn_out{${labels.join(", ")}}[5m]))`;
}

/**
 * @param {string} name
 * @param {string[]} values
 */
function matcher(name, values) {
  const unique = [...new Set(values)];
  if (!unique.length || unique.includes("")) {
    return ""; // one side is outside or a node: its labels are empty, and any value must do
  }
  if (unique.length === 1) {
    return `${name}=${promqlText(unique[0])}`;
  }
  return `${name}=~${promqlText(unique.map((value) => value.replace(/[\\^$.|?*+()[\]{}]/g, "\\$&")).join("|"))}`;
}

/** @param {string} text */
function promqlText(text) {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

/**
 * What Wireshark needs to find these edges in a capture: ports, addresses where the matrix is one of addresses, the time.
 * @param {Model} model
 * @param {number[]} edges
 */
export function toWireshark(model, edges) {
  const parts = edges.map((edge) => wiresharkEdge(model, edge));
  const unique = [...new Set(parts)];
  const start = Math.min(...edges.map((edge) => model.edges.first[edge]));
  const end = Math.max(...edges.map((edge) => model.edges.last[edge])) + 1;
  const [from, to] = [start, end].map((seconds) => (model.meta.t0 / 1000 + seconds).toFixed(3));
  const which = unique.length === 1 ? unique[0] : `(${unique.join(" || ")})`;
  return `${which} && frame.time_epoch >= ${from} && frame.time_epoch <= ${to}`;
}

/**
 * @param {Model} model
 * @param {number} edge
 */
function wiresharkEdge(model, edge) {
  const [port, proto] = [model.edges.port[edge], model.edges.proto[edge]];
  const name = protocolText(proto).toLowerCase();
  const number = `(ip.proto == ${proto} || ipv6.nxt == ${proto})`;
  const what = port >= 0 && POLICY_PROTOCOLS.has(name.toUpperCase()) ? `${name}.port == ${port}` : number;
  const addresses = ["s", "d"].map((side) => addressTest(model.labels[model.edges[side][edge]]));
  return `(${[...addresses.filter((test) => test !== ""), what].join(" && ")})`;
}

/** @param {string} label */
function addressTest(label) {
  const address = label.replace(/^\(external\) /, "");
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) {
    return `ip.addr == ${address}`;
  }
  return /^[0-9a-f]*:[0-9a-f:.]+$/i.test(address) ? `ipv6.addr == ${address}` : "";
}

/**
 * The servers' side as OpenShift's communication matrix writes it.
 * @param {Model} model
 * @param {number[]} edges
 */
export function toCommatrix(model, edges) {
  const lines = edges.map((edge) => {
    const { namespace, workload, node, label } = endOf(model, model.edges.d[edge]);
    const port = model.edges.port[edge];
    const pod = workload || (node ? "" : label);
    const fields = [
      "Ingress",
      protocolText(model.edges.proto[edge]),
      port < 0 ? "" : port,
      namespace,
      "",
      pod,
      "",
      node ? label : "",
      "false",
    ];
    return fields.map(csvField).join(",");
  });
  return [COMMATRIX.join(","), ...[...new Set(lines)].sort()].join("\r\n") + "\r\n";
}

/**
 * Changed edges with both sides' numbers.
 * @param {Model} model
 * @param {number[]} edges
 */
export function toChangesCsv(model, edges) {
  const names = [
    "change",
    "client",
    "server",
    "port",
    "protocol",
    "state_before",
    "state",
    "bytes_before",
    "bytes",
    "connections_before",
    "connections",
  ];
  const lines = edges.map((edge) => {
    const at = (column) => model.edges[column][edge];
    const fields = [
      model.changes[at("change")],
      model.labels[at("s")],
      model.labels[at("d")],
      at("port") < 0 ? null : at("port"),
      protocolText(at("proto")),
      at("change") === 1 ? null : model.states[at("stateBefore")],
      at("change") === 2 ? null : model.states[at("state")],
      at("bytesBefore"),
      at("change") === 2 ? 0 : at("bytes"),
      at("connectionsBefore"),
      at("change") === 2 ? 0 : at("connections"),
    ];
    return fields.map(csvField).join(",");
  });
  return [names.join(","), ...lines].join("\r\n") + "\r\n";
}
