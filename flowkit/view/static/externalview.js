// The view External: outside addresses that nothing names yet, the busiest first, each with a label to paste.

import { copy, download, el } from "./dom.js";
import { bytesText, countText, periodText, plural, shown } from "./format.js";

const BLOCKS_AT_FIRST = 100;
const OUTSIDE_HEADS = [
  "role",
  "block",
  "addresses",
  "ports",
  "our side",
  "connections",
  "bytes",
  "seen",
  "proposed label",
];
const OUTSIDE_NUMBERS = new Set(["addresses", "connections", "bytes"]);
const ROLES = new Map([
  ["server", "we call it"],
  ["client", "it calls us"],
]);

/** The view External, see `View` in views.js. */
export class ExternalView {
  /**
   * @param {HTMLElement} host
   * @param {import("./model.js").Model} model
   */
  constructor(host, model) {
    this.host = host;
    this.external = model.external;
    this.query = "";
    this.most = BLOCKS_AT_FIRST;
  }

  /**
   * @param {number[]} _edges
   * @param {import("./views.js").State} state
   */
  update(_edges, { query }) {
    this.query = query;
    const wanted = query.trim().toLowerCase();
    const rows = this.external.rows.filter((row) =>
      `${row.block} ${row.peers} ${row.label}`.toLowerCase().includes(wanted),
    );
    this.host.replaceChildren(
      el("p", {}, el("bdi", {}, shown(this.external.share))),
      this.bar(rows.length),
      rows.length ? this.table(rows.slice(0, this.most)) : el("p", { class: "fk-empty" }, "Nothing is unknown here."),
      rows.length > this.most ? this.more(rows.length) : "",
    );
  }

  /** @param {number} count */
  more(count) {
    const onclick = () => {
      this.most = Infinity;
      this.update([], { query: this.query });
    };
    return el("p", {}, el("button", { type: "button", onclick }, `Show all ${countText(count)}`));
  }

  /** @param {number} count */
  bar(count) {
    const { yaml } = this.external;
    return el(
      "div",
      { class: "fk-row" },
      el("span", { role: "status" }, `${plural(count, "block")} or name${count === 1 ? "" : "s"} unknown`),
      el("button", { type: "button", onclick: (event) => copy(yaml, event.currentTarget) }, "Copy all as customLabels"),
      el(
        "button",
        { type: "button", onclick: () => download(yaml, "custom-labels.yaml", "application/yaml") },
        "Download",
      ),
      el("span", { class: "fk-muted" }, "Find out whose it is, name it in the FlowCollector, look again."),
    );
  }

  /** @param {any[]} rows */
  table(rows) {
    const head = OUTSIDE_HEADS.map((name) =>
      el("th", { scope: "col", class: OUTSIDE_NUMBERS.has(name) ? "fk-number" : "" }, name),
    );
    return el(
      "div",
      { class: "fk-scroll", role: "region", tabIndex: 0, "aria-label": "Unknown outside" },
      el(
        "table",
        { class: "fk-table fk-external" },
        el("caption", { class: "fk-aside" }, "Outside addresses without a label"),
        el("thead", {}, el("tr", {}, ...head)),
        el("tbody", {}, ...rows.map(externalRow)),
      ),
    );
  }

  repaint() {}

  /** @param {boolean} on */
  print(on) {
    this.most = on ? 500 : BLOCKS_AT_FIRST;
    this.update([], { query: this.query });
  }
}

/** @param {any} row */
function externalRow(row) {
  const cells = [
    ROLES.get(row.role) ?? row.role,
    row.block,
    countText(row.addresses),
    row.ports,
    row.peers,
    countText(row.connections),
    bytesText(row.bytes),
    periodText(row.first, row.last),
    row.label,
  ];
  return el(
    "tr",
    {},
    ...cells.map((text, i) =>
      el("td", { class: OUTSIDE_NUMBERS.has(OUTSIDE_HEADS[i]) ? "fk-number" : "" }, el("bdi", {}, shown(text))),
    ),
  );
}
