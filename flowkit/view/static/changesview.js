// The view Changes: what the other matrix does not have, what only it has, and what became of the rest.

import { download, el } from "./dom.js";
import { amountText, countText, plural, portText } from "./format.js";
import { toChangesCsv } from "./exports.js";
import { searched } from "./model.js";
import { stateText } from "./side.js";

const CHANGES_AT_FIRST = 100;
const CHANGE_SIGNS = ["", "+ added", "− gone", "± changed"];

/** The view Changes, see `View` in views.js. */
export class ChangesView {
  /**
   * @param {HTMLElement} host
   * @param {import("./model.js").Model} model
   * @param {import("./views.js").Actions} actions
   */
  constructor(host, model, actions) {
    this.host = host;
    this.model = model;
    this.actions = actions;
    this.most = CHANGES_AT_FIRST;
  }

  /**
   * @param {number[]} edges
   * @param {import("./views.js").State} state
   */
  update(edges, state) {
    this.last = [edges, state];
    const { change, bytes } = this.model.edges;
    const found = searched(this.model, edges, state.query).filter((edge) => change[edge]);
    const sorted = found.toSorted(
      (one, other) => change[one] - change[other] || bytes[other] - bytes[one] || one - other,
    );
    this.host.replaceChildren(
      el("p", { class: "fk-muted" }, el("bdi", {}, this.model.against.words)),
      this.summary(edges, sorted),
      sorted.length ? this.table(sorted.slice(0, this.most)) : el("p", { class: "fk-empty" }, "Nothing changed."),
      sorted.length > this.most ? this.more(sorted.length) : "",
    );
  }

  /**
   * @param {number[]} edges
   * @param {number[]} sorted
   */
  summary(edges, sorted) {
    const { change } = this.model.edges;
    const counted = [1, 2, 3, 0].map((code) => {
      const count = edges.filter((edge) => change[edge] === code).length;
      const words = `${code ? CHANGE_SIGNS[code].slice(0, 1) : "="} ${countText(count)} ${this.model.changes[code]}`;
      const onclick = () => this.actions.open("matrix", { change: String(code) });
      return el("button", { type: "button", disabled: count === 0, onclick }, words);
    });
    const save = () => download(toChangesCsv(this.model, sorted), "flow-matrix-changes.csv", "text/csv");
    return el(
      "div",
      { class: "fk-row" },
      ...counted,
      el("span", { class: "fk-spring" }),
      el("button", { type: "button", onclick: save }, "Download CSV"),
    );
  }

  /** @param {number} count */
  more(count) {
    const onclick = () => {
      this.most = Infinity;
      this.update(...this.last);
    };
    return el("p", {}, el("button", { type: "button", onclick }, `Show all ${countText(count)}`));
  }

  /** @param {number[]} edges */
  table(edges) {
    const heads = ["change", "client", "server", "port", "before", "now"];
    return el(
      "div",
      { class: "fk-scroll", role: "region", tabIndex: 0, "aria-label": "Changes" },
      el(
        "table",
        { class: "fk-table fk-changes" },
        el("caption", { class: "fk-aside" }, `${plural(edges.length, "change")}`),
        el("thead", {}, el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, ...edges.map((edge) => this.row(edge))),
      ),
    );
  }

  /** @param {number} edge */
  row(edge) {
    const at = (column) => this.model.edges[column][edge];
    const change = at("change");
    const now = [
      stateText(this.model, at("state")),
      amountText(at("bytes"), "bytes"),
      plural(at("connections"), "connection"),
    ];
    const was = [
      stateText(this.model, at("stateBefore")),
      amountText(at("bytesBefore"), "bytes"),
      plural(at("connectionsBefore"), "connection"),
    ];
    const cells = [
      CHANGE_SIGNS[change],
      this.model.names[at("s")],
      this.model.names[at("d")],
      portText(at("port"), at("proto")),
      change === 1 ? "–" : was.join(" · "),
      change === 2 ? "–" : now.join(" · "),
    ];
    return el("tr", { class: `fk-change-${change}` }, ...cells.map((text) => el("td", {}, text)));
  }

  repaint() {}

  /** @param {boolean} on */
  print(on) {
    this.most = on ? 500 : CHANGES_AT_FIRST;
    if (this.last) {
      this.update(...this.last);
    }
  }
}
