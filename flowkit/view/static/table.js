// The edges as a table: sorted, searched, in pages. The equal of the matrix for whoever does not see it.

import { toCsv } from "./csv.js";
import { download, el } from "./dom.js";
import { toCommatrix } from "./exports.js";
import { bytesText, countText, plural, protocolText, timeText } from "./format.js";
import { isCompared, isJudged, searched } from "./model.js";
import { stateText, verdictText } from "./side.js";

const PAGE = 50;
const PRINTED = 500;

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {object} Column
 * @property {string} name
 * @property {boolean} number right-aligned, sorted from the largest first
 * @property {(model: Model, edge: number) => string | number} value to sort by
 * @property {(model: Model, edge: number) => string} text
 * @property {(model: Model) => boolean} [needs] where it is not of use always
 */

/** @type {Column[]} */
const TABLE_COLUMNS = [
  nameColumn("client", "s"),
  nameColumn("server", "d"),
  {
    name: "port",
    number: true,
    value: (m, e) => m.edges.port[e],
    text: (m, e) => (m.edges.port[e] < 0 ? "–" : String(m.edges.port[e])),
  },
  {
    name: "protocol",
    number: false,
    value: (m, e) => protocolText(m.edges.proto[e]),
    text: (m, e) => protocolText(m.edges.proto[e]),
  },
  { name: "state", number: false, value: (m, e) => m.edges.state[e], text: (m, e) => stateText(m, m.edges.state[e]) },
  {
    name: "policy",
    number: false,
    value: (m, e) => m.edges.status[e],
    text: (m, e) => verdictText(m, m.edges.status[e]),
    needs: isJudged,
  },
  {
    name: "change",
    number: false,
    value: (m, e) => m.edges.change[e],
    text: (m, e) => (m.edges.change[e] ? m.changes[m.edges.change[e]] : "="),
    needs: isCompared,
  },
  numberColumn("bytes", bytesText),
  numberColumn("flows", countText),
  numberColumn("connections", countText),
  timeColumn("first"),
  timeColumn("last"),
  { name: "direction", number: false, value: (m, e) => m.edges.by[e], text: (m, e) => m.directions[m.edges.by[e]] },
];

/**
 * @param {string} name
 * @param {string} side
 * @returns {Column}
 */
function nameColumn(name, side) {
  return {
    name,
    number: false,
    value: (m, e) => m.labels[m.edges[side][e]],
    text: (m, e) => m.names[m.edges[side][e]],
  };
}

/**
 * @param {string} name
 * @param {(value: number) => string} write
 * @returns {Column}
 */
function numberColumn(name, write) {
  return { name, number: true, value: (m, e) => m.edges[name][e], text: (m, e) => write(m.edges[name][e]) };
}

/**
 * @param {string} name
 * @returns {Column}
 */
function timeColumn(name) {
  return {
    name,
    number: false,
    value: (m, e) => m.edges[name][e],
    text: (m, e) => shortTime(m.meta, m.edges[name][e]),
  };
}

/**
 * The time of day alone if the whole matrix is of one day, which the header names.
 * @param {{t0: number, t1: number}} meta
 * @param {number} seconds after t0
 */
function shortTime({ t0, t1 }, seconds) {
  const time = timeText(t0 + seconds * 1000);
  return timeText(t0).slice(0, 10) === timeText(t1).slice(0, 10) ? time.slice(11) : time;
}

/**
 * @param {Model} model
 * @param {number[]} edges
 * @param {{column: string, ascending: boolean}} sort
 */
export function sortedEdges(model, edges, { column, ascending }) {
  const { value } = TABLE_COLUMNS.find((one) => one.name === column);
  const sign = ascending ? 1 : -1;
  return edges.toSorted((one, other) => {
    const [a, b] = [value(model, one), value(model, other)];
    return a === b ? one - other : a < b ? -sign : sign;
  });
}

/** The view Table, see `View` in views.js. */
export class EdgeTable {
  /**
   * @param {HTMLElement} host
   * @param {Model} model
   */
  constructor(host, model) {
    this.host = host;
    this.model = model;
    this.sort = { column: "bytes", ascending: false };
    this.page = 0;
    this.rows = [];
    this.columns = TABLE_COLUMNS.filter(({ needs }) => !needs || needs(model));
  }

  /**
   * @param {number[]} edges
   * @param {{query: string}} state
   */
  update(edges, { query }) {
    this.edges = searched(this.model, edges, query);
    this.page = 0;
    this.arrange();
  }

  /** Colours come from the style sheet alone. */
  repaint() {}

  arrange() {
    this.rows = sortedEdges(this.model, this.edges, this.sort);
    this.render(this.rows.slice(this.page * PAGE, (this.page + 1) * PAGE));
  }

  /** @param {boolean} on */
  print(on) {
    this.page = 0;
    this.render(this.rows.slice(0, on ? PRINTED : PAGE), on);
  }

  /**
   * @param {number[]} rows
   * @param {boolean} [printing]
   */
  render(rows, printing = false) {
    const held = this.host.contains(document.activeElement) ? document.activeElement?.getAttribute("data-name") : null;
    const region = { class: "fk-scroll", role: "region", tabIndex: 0, "aria-label": "Edges" };
    this.host.replaceChildren(this.bar(printing, rows.length), el("div", region, this.table(rows)));
    if (held) {
      this.host.querySelector(`[data-name="${held}"]`)?.focus();
    }
  }

  /**
   * @param {boolean} printing
   * @param {number} count
   */
  bar(printing, count) {
    const pages = Math.max(1, Math.ceil(this.rows.length / PAGE));
    const turn = (words, name, to) =>
      el(
        "button",
        { type: "button", disabled: to < 0 || to >= pages, "data-name": name, onclick: () => this.turn(to) },
        words,
      );
    if (printing) {
      const part = count < this.rows.length ? `, the first ${countText(count)} by ${this.sort.column}` : "";
      return el("p", {}, plural(this.rows.length, "edge") + part);
    }
    return el(
      "div",
      { class: "fk-row" },
      el("span", { role: "status" }, plural(this.rows.length, "edge")),
      el("button", { type: "button", onclick: () => this.save() }, "Download CSV"),
      el("button", { type: "button", onclick: () => this.saveCommatrix() }, "commatrix CSV"),
      el("span", { class: "fk-spring" }),
      turn("‹ Previous", "previous", this.page - 1),
      el("span", {}, `page ${this.page + 1} of ${countText(pages)}`),
      turn("Next ›", "next", this.page + 1),
    );
  }

  /** @param {number} page */
  turn(page) {
    this.page = page;
    this.arrange();
  }

  save() {
    download(toCsv(this.model, this.rows), "flow-matrix.csv", "text/csv");
  }

  saveCommatrix() {
    download(toCommatrix(this.model, this.rows), "communication-matrix.csv", "text/csv");
  }

  /** @param {number[]} rows */
  table(rows) {
    const caption = `Edges of the flow matrix, sorted by ${this.sort.column}`;
    return el(
      "table",
      { class: "fk-table fk-edges" },
      el("caption", { class: "fk-aside" }, caption),
      el("thead", {}, el("tr", {}, ...this.columns.map((column) => this.heading(column)))),
      el("tbody", {}, ...rows.map((edge) => this.row(edge))),
    );
  }

  /** @param {Column} column */
  heading({ name, number }) {
    const sorted = this.sort.column === name;
    const sign = sorted ? (this.sort.ascending ? "▲" : "▼") : "";
    return el(
      "th",
      {
        scope: "col",
        class: number ? "fk-number" : "",
        "aria-sort": sorted ? (this.sort.ascending ? "ascending" : "descending") : "none",
      },
      el(
        "button",
        {
          type: "button",
          class: sorted ? "fk-sorted" : "",
          "data-name": `sort-${name}`,
          onclick: () => this.sortBy(name, sorted ? !this.sort.ascending : !number),
        },
        name,
        el("span", { class: "fk-sort", "aria-hidden": "true" }, sign),
      ),
    );
  }

  /**
   * @param {string} column
   * @param {boolean} ascending
   */
  sortBy(column, ascending) {
    this.sort = { column, ascending };
    this.page = 0;
    this.arrange();
  }

  /** @param {number} edge */
  row(edge) {
    const silent = this.model.edges.state[edge] ? "fk-silent" : "";
    const inferred = this.model.inferred[this.model.edges.by[edge]];
    const cell = ({ name, number, text }) =>
      el(
        "td",
        { class: number ? "fk-number" : name === "direction" && inferred ? "fk-warned" : "" },
        text(this.model, edge),
      );
    return el("tr", { class: silent }, ...this.columns.map(cell));
  }
}
