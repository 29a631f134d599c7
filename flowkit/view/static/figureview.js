// What the views that draw a figure share: they draw anew when their width changes, and at a width of their own on paper.

/** A view that draws to its host's width; `update` of the view itself keeps `edges`, `state` and `width`. */
export class FigureView {
  /**
   * @param {HTMLElement} host
   * @param {import("./model.js").Model} model
   * @param {import("./views.js").Actions} actions
   */
  constructor(host, model, actions) {
    this.host = host;
    this.model = model;
    this.actions = actions;
    this.resizing = new ResizeObserver(() => this.host.clientWidth !== this.width && this.repaint());
    this.resizing.observe(host);
  }

  repaint() {
    if (this.state) {
      this.update(this.edges, this.state);
    }
  }

  /** @param {boolean} on */
  print(on) {
    this.printing = on;
    this.repaint();
  }

  destroy() {
    this.resizing.disconnect();
  }
}
