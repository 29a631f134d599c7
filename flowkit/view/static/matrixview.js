// The view Matrix: the canvas, its legend and the panel beside it.

import { el } from "./dom.js";
import { legendParts } from "./legend.js";
import { MatrixCanvas } from "./matrix.js";
import { emptySide, filledSide } from "./side.js";

/** The view Matrix, see `View` in views.js. */
export class MatrixView {
  /**
   * @param {HTMLElement} host
   * @param {import("./model.js").Model} model
   * @param {import("./views.js").Actions} actions
   */
  constructor(host, model, actions) {
    this.model = model;
    this.actions = actions;
    this.legend = el("div", { class: "fk-legend" });
    this.side = el("aside", { class: "fk-side", "aria-label": "Selection" });
    this.empty = el("div", { class: "fk-empty", hidden: true });
    const canvasHost = el("div", {});
    this.main = el("div", {}, canvasHost, this.legend);
    this.columns = el("div", { class: "fk-columns" }, this.main, this.side);
    host.append(this.columns, this.empty);
    this.matrix = new MatrixCanvas(canvasHost, model, {
      selected: (selection) => this.select(selection),
      viewed: () => this.explain(),
      collapsed: () => actions.levelChanged(),
    });
  }

  /**
   * @param {number[]} edges
   * @param {import("./views.js").State} state
   */
  update(edges, state) {
    this.state = state;
    this.columns.hidden = edges.length === 0;
    this.empty.hidden = edges.length > 0;
    if (edges.length === 0) {
      this.empty.replaceChildren(...this.nothing());
    }
    this.matrix.query = state.query.trim().toLowerCase();
    this.matrix.set(edges, { order: state.order, measure: state.measure });
  }

  nothing() {
    const words = this.actions.filterWords();
    if (words === "") {
      return [el("p", {}, "There are no edges in this matrix.")];
    }
    const clear = el("button", { type: "button", onclick: () => this.actions.clear() }, "Clear filters");
    return [el("p", {}, "No traffic matches: ", el("bdi", {}, words)), clear];
  }

  explain() {
    this.legend.replaceChildren(...legendParts(this.matrix));
  }

  /** @param {import("./selection.js").Selection | null} selection */
  select(selection) {
    const parts = selection ? filledSide(this.model, selection, this.state.measure, this.actions) : emptySide();
    this.side.replaceChildren(...parts);
    this.side.scrollTop = 0;
    this.actions.selected(selection);
  }

  repaint() {
    this.matrix.repaint();
    this.explain();
  }

  /** @param {boolean} on */
  print(on) {
    this.matrix.print(on);
  }

  destroy() {
    this.matrix.destroy();
  }
}
