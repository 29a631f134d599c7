// The view Sankey: client namespace → port → server namespace, as ribbons whose width is the measure.

import { groupColour } from "./colourlist.js";
import { el } from "./dom.js";
import { FigureView } from "./figureview.js";
import { amountText, fitted, isolated, plural } from "./format.js";
import { columnOf } from "./model.js";
import { sankeyLayout } from "./sankeylayout.js";
import { svg } from "./svg.js";

const NODE_WIDTH = 12;
const SANKEY_TOP = 26;
const LONGEST_NAME = 22;
const SANKEY_PRINTED = 1000;

/** The view Sankey, see `View` in views.js. */
export class SankeyView extends FigureView {
  /**
   * @param {number[]} edges
   * @param {import("./views.js").State} state
   */
  update(edges, state) {
    this.edges = edges;
    this.state = state;
    this.width = this.host.clientWidth;
    if (edges.length && (this.width || this.printing)) {
      this.draw(this.printing ? SANKEY_PRINTED : this.width);
    } else {
      this.host.replaceChildren(el("p", { class: "fk-empty" }, "No traffic to draw."));
    }
  }

  /** @param {number} width */
  draw(width) {
    const { measure, filter } = this.state;
    const ends = new Set(this.edges.map((edge) => this.model.ns[this.model.edges.d[edge]])).size;
    const height = Math.max(320, Math.min(640, 34 * ends));
    const options = { measure, groups: filter.groups, height };
    const { columns, ribbons, total } = sankeyLayout(this.model, this.edges, options);
    const lowest = Math.max(...columns.flat().map((node) => node.y + node.height)) + SANKEY_TOP + 8;
    const room = Math.min(170, width * 0.2);
    const places = [room, (width - NODE_WIDTH) / 2, width - room - NODE_WIDTH];
    const label = `${amountText(total, columnOf(measure))} from ${plural(columns[0].length, "client")} over ${plural(columns[1].length, "port")} to ${plural(columns[2].length, "server")}. The table has the same edges as text.`;
    const drawing = svg(
      "svg",
      {
        class: "fk-sankey",
        viewBox: `0 0 ${width} ${lowest}`,
        width,
        height: lowest,
        role: "img",
        "aria-label": label,
      },
      ...["clients", "server ports", "servers"].map((words, i) => heading(words, places[i], i)),
      ...ribbons.map((ribbon) => this.ribbon(ribbon, places)),
      ...columns.flatMap((nodes, i) => nodes.map((node) => this.node(node, places[i], i))),
    );
    this.host.replaceChildren(el("p", { class: "fk-muted" }, this.words()), drawing);
  }

  words() {
    const alone = this.state.filter.groups.size === 1;
    return alone
      ? "Workloads of the chosen namespace, its peers by namespace. Point at a ribbon for its amount."
      : "Namespaces by their traffic. Choose one namespace above to see its workloads. Point at a ribbon for its amount.";
  }

  /**
   * @param {import("./sankeylayout.js").Ribbon} ribbon
   * @param {number[]} places
   */
  ribbon({ step, from, to, y0, y1, height, sum }, places) {
    const [x0, x1] = [places[step] + NODE_WIDTH, places[step + 1]];
    const middle = (x0 + x1) / 2;
    const [a, b] = [y0 + SANKEY_TOP, y1 + SANKEY_TOP];
    const path = `M${x0} ${a}C${middle} ${a} ${middle} ${b} ${x1} ${b}V${b + height}C${middle} ${b + height} ${middle} ${a + height} ${x0} ${a + height}Z`;
    const amount = amountText(sum, columnOf(this.state.measure));
    return svg(
      "path",
      { class: "fk-ribbon", d: path, fill: groupColour(step === 0 ? from.group : to.group) },
      svg("title", {}, `${isolated(from.name)} → ${isolated(to.name)}: ${amount}`),
    );
  }

  /**
   * @param {import("./sankeylayout.js").Node} node
   * @param {number} x
   * @param {number} i
   */
  node(node, x, i) {
    const amount = amountText(node.sum, columnOf(this.state.measure));
    const name = fitted(node.name, LONGEST_NAME, (text) => [...text].length);
    const at = [
      { x: x - 6, anchor: "end" },
      { x: x + NODE_WIDTH + 6, anchor: "start" },
      { x: x + NODE_WIDTH + 6, anchor: "start" },
    ][i];
    return svg(
      "g",
      {},
      svg("title", {}, `${isolated(node.name)}: ${amount}`),
      svg("rect", { x, y: node.y + SANKEY_TOP, width: NODE_WIDTH, height: node.height, fill: groupColour(node.group) }),
      svg(
        "text",
        { x: at.x, y: node.y + SANKEY_TOP + node.height / 2, "text-anchor": at.anchor, "dominant-baseline": "central" },
        name,
      ),
    );
  }
}

/**
 * @param {string} words
 * @param {number} x
 * @param {number} i
 */
function heading(words, x, i) {
  const at = [x + NODE_WIDTH, x + NODE_WIDTH / 2, x][i];
  return svg("text", { class: "fk-caption", x: at, y: 12, "text-anchor": ["end", "middle", "start"][i] }, words);
}
