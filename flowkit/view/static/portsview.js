// The view Ports: one small matrix a port, namespace × namespace, all in the same order and on the same scale.

import { el } from "./dom.js";
import { shade } from "./colours.js";
import { amountText, countText, plural, portText } from "./format.js";
import { ANSWERED, layoutMatrix } from "./layout.js";
import { columnOf } from "./model.js";
import { readPalette } from "./theme.js";

const THUMBNAILS_AT_FIRST = 24;
const THUMBNAIL = 168;
const LARGEST_CELL = 12;

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {{port: number, proto: number, edges: number[], sum: number}} PortUse
 */

/**
 * The edges by port and protocol, those with the largest sum first.
 * @param {Model} model
 * @param {number[]} edges
 * @param {string} measure
 * @returns {PortUse[]}
 */
export function portUses(model, edges, measure) {
  const values = model.edges[columnOf(measure)];
  /** @type {Map<string, PortUse>} */
  const uses = new Map();
  for (const edge of edges) {
    const [port, proto] = [model.edges.port[edge], model.edges.proto[edge]];
    const key = `${port} ${proto}`;
    const use = uses.get(key) ?? { port, proto, edges: [], sum: 0 };
    use.edges.push(edge);
    use.sum += values[edge];
    uses.set(key, use);
  }
  return [...uses.values()].sort((one, other) => other.sum - one.sum || one.port - other.port);
}

/**
 * Every port's cells on the axes that all share, and the scale of them all.
 * @param {Model} model
 * @param {PortUse[]} uses
 * @param {{order: string, measure: string}} options
 */
export function thumbnails(model, uses, options) {
  const collapsed = new Set(model.ns);
  const edges = uses.flatMap((use) => use.edges);
  const whole = layoutMatrix(model, edges, { ...options, collapsed });
  const row = new Map(whole.rows.map((item, i) => [item.group, i]));
  const column = new Map(whole.columns.map((item, i) => [item.group, i]));
  const layouts = uses.map((use) => layoutMatrix(model, use.edges, { ...options, collapsed }));
  const cells = layouts.map((layout) =>
    layout.cells
      .map((cell) => ({ ...cell, r: row.get(layout.rows[cell.r].group), c: column.get(layout.columns[cell.c].group) }))
      .sort((one, other) => one.value - other.value),
  );
  const values = cells.flat().map((cell) => cell.value);
  const ends = values.reduce(({ low, high }, value) => ({ low: Math.min(low, value), high: Math.max(high, value) }), {
    low: Infinity,
    high: 0,
  });
  const scale = { ...ends, inverted: options.measure === "rare" };
  return { rows: whole.rows.length, columns: whole.columns.length, cells, scale };
}

/** The view Ports, see `View` in views.js. */
export class PortsView {
  /**
   * @param {HTMLElement} host
   * @param {Model} model
   * @param {import("./views.js").Actions} actions
   */
  constructor(host, model, actions) {
    this.host = host;
    this.model = model;
    this.actions = actions;
    this.most = THUMBNAILS_AT_FIRST;
  }

  /**
   * @param {number[]} edges
   * @param {import("./views.js").State} state
   */
  update(edges, state) {
    this.edges = edges;
    this.state = state;
    const uses = portUses(this.model, edges, state.measure);
    const shown = uses.slice(0, this.most);
    const { rows, columns, cells, scale } = thumbnails(this.model, uses, state);
    const palette = readPalette(this.host);
    const cards = shown.map((use, i) => this.card(use, { rows, columns, cells: cells[i], scale, palette }));
    const marked = edges.some((edge) => this.model.edges.status[edge] > 1);
    const sign = marked ? " ▲ counts edges that no policy allows." : "";
    const words = `${plural(uses.length, "server port")}: clients’ namespaces down, servers’ namespaces across, in the same order and on the same scale everywhere. Click one to see it in the matrix.${sign}`;
    this.host.replaceChildren(
      el("p", { class: "fk-muted" }, words),
      el("ul", { class: "fk-cards" }, ...cards),
      ...(uses.length > shown.length ? [this.more(uses.length - shown.length)] : []),
    );
  }

  /** @param {number} rest */
  more(rest) {
    const onclick = () => {
      this.most = Infinity;
      this.update(this.edges, this.state);
    };
    return el("p", {}, el("button", { type: "button", onclick }, `Show ${countText(rest)} more`));
  }

  /**
   * @param {PortUse} use
   * @param {any} grid
   */
  card(use, grid) {
    const name = portText(use.port, use.proto);
    const amount = amountText(use.sum, columnOf(this.state.measure));
    const denied = use.edges.filter((edge) => this.model.edges.status[edge] > 1).length;
    const remark = denied ? ` · ▲ ${countText(denied)}` : "";
    return el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "fk-card", onclick: () => this.open(use) },
        el("span", { class: "fk-port" }, el("b", {}, name), el("span", {}, amount)),
        drawThumbnail(grid),
        el("span", { class: "fk-muted" }, plural(use.edges.length, "edge"), remark),
      ),
    );
  }

  /** @param {PortUse} use */
  open({ port, proto }) {
    this.actions.open("matrix", { port: String(port), proto: String(proto) });
  }

  repaint() {
    if (this.state) {
      this.update(this.edges, this.state);
    }
  }

  /** @param {boolean} on */
  print(on) {
    this.most = on ? Infinity : THUMBNAILS_AT_FIRST;
    this.repaint();
  }
}

/**
 * Every cell paints at least one pixel; of two that share one, the larger shows.
 * @param {any} grid
 */
function drawThumbnail({ rows, columns, cells, scale, palette }) {
  const density = Math.max(2, window.devicePixelRatio || 1);
  const size = Math.min(LARGEST_CELL, THUMBNAIL / Math.max(rows, columns));
  const [width, height] = [Math.ceil(columns * size), Math.ceil(rows * size)];
  const canvas = el("canvas", {
    class: "fk-thumb",
    width: width * density,
    height: height * density,
    "aria-hidden": "true",
  });
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(density, density);
  context.fillStyle = palette.tokens.ground;
  context.fillRect(0, 0, width, height);
  const gap = size >= 4 ? 0.5 : 0;
  for (const { r, c, value, states } of cells) {
    context.fillStyle = states & ANSWERED ? palette.bare.css[shade(scale, value)] : palette.tokens.silent;
    context.fillRect(c * size + gap, r * size + gap, Math.max(0.5, size - 2 * gap), Math.max(0.5, size - 2 * gap));
  }
  return canvas;
}
