// The matrix as an object: what it shows, where it looks, what is pointed at and chosen. Drawing, geometry, gestures and
// words are their own modules; this one holds the state between them.

import { labelRoom } from "./axes.js";
import { describeAxis, describeCell, sentence } from "./describe.js";
import { el } from "./dom.js";
import { drawScene } from "./draw.js";
import { listen } from "./gestures.js";
import { layoutMatrix, moved } from "./layout.js";
import { chooseNamed, selectionInNames } from "./memory.js";
import { regionAt, selectionOf } from "./selection.js";
import { readPalette } from "./theme.js";
import { clampView, fitView, frameFor, hit, revealView, zoomView } from "./viewport.js";

const KEYS =
  "Arrow keys move, Control and arrow jumps to the next cell with traffic, Enter selects the cell, Shift and Enter its row, " +
  "Control and Enter its column, Escape clears, c collapses or expands the client's namespace, plus, minus and zero zoom.";
const FLASH_MS = 700;
const PRINT_WIDTH = 1000;

/**
 * @typedef {import("./model.js").Model} Model
 * @typedef {import("./selection.js").Selection} Selection
 */

export class MatrixCanvas {
  /**
   * @param {HTMLElement} host
   * @param {Model} model
   * @param {{selected: (selection: Selection | null) => void, collapsed: () => void, viewed: () => void}} on
   */
  constructor(host, model, on) {
    this.model = model;
    this.on = on;
    this.canvas = el("canvas", {
      class: "fk-canvas",
      tabIndex: 0,
      role: "application",
      "aria-roledescription": "flow matrix",
    });
    this.tip = el("div", { class: "fk-tip", hidden: true });
    this.live = el("div", { class: "fk-aside", "aria-live": "polite" });
    this.box = el("div", { class: "fk-matrix" }, this.canvas, this.tip, this.live);
    host.append(this.box);
    this.context = this.canvas.getContext("2d");
    this.collapsed = new Set();
    this.options = { order: "namespace", measure: "bytes" };
    this.query = "";
    this.edges = [];
    this.flash = -1;
    this.printing = false;
    this.forget();
    listen(this);
    this.resizing = new ResizeObserver(() => this.resized());
    this.resizing.observe(this.box);
  }

  /** Drop what belongs to one layout. */
  forget() {
    this.hover = null;
    this.cursor = null;
    this.selection = null;
  }

  /**
   * Show a set of edges.
   * @param {number[]} edges
   * @param {{order: string, measure: string}} options
   */
  set(edges, options) {
    this.edges = edges;
    this.options = options;
    this.arrange();
  }

  /** Lay out and draw anew; what is selected stays, where it is still there. */
  arrange() {
    const selected = selectionInNames(this);
    this.forget();
    this.layout = layoutMatrix(this.model, this.edges, { ...this.options, collapsed: this.collapsed });
    this.size = { rows: this.layout.rows.length, columns: this.layout.columns.length };
    const counts = `${this.size.rows} clients by ${this.size.columns} servers, ${this.layout.cells.length} cells with traffic`;
    this.canvas.setAttribute("aria-label", `Flow matrix, ${counts}. ${KEYS}`);
    this.find();
    this.frameAnew();
    if (!chooseNamed(this, selected)) {
      this.on.selected(null);
    }
  }

  /** Size the canvas for its width, show everything and draw. */
  frameAnew() {
    const width = this.printing ? PRINT_WIDTH : this.box.clientWidth;
    this.width = width;
    if (!width || !this.layout) {
      return;
    }
    this.palette = readPalette(this.box);
    // names take room from the cells, and the size of the cells decides how names are written: twice is near enough
    let guess = fitView(frameFor(width, { left: 150, top: 100 }, this.size), this.size);
    for (let round = 0; round < 2; round += 1) {
      const room = labelRoom(this.context, this.model, this.layout, { font: this.palette.font, width, ...guess });
      this.frame = frameFor(width, room, this.size);
      guess = fitView(this.frame, this.size);
    }
    this.view = guess;
    this.scale = this.printing ? 2 : window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.frame.total.width * this.scale);
    this.canvas.height = Math.round(this.frame.total.height * this.scale);
    this.canvas.style.width = `${this.frame.total.width}px`;
    this.canvas.style.height = `${this.frame.total.height}px`;
    this.draw();
    this.on.viewed();
  }

  resized() {
    if (this.box.clientWidth !== this.width && !this.printing) {
      this.frameAnew();
    }
  }

  /** Take over new colours. */
  repaint() {
    if (this.frame) {
      this.palette = readPalette(this.box);
      this.draw();
    }
  }

  draw() {
    if (!this.frame) {
      return;
    }
    const started = performance.now();
    const focused = document.activeElement === this.canvas;
    drawScene(this.context, this.scene(focused));
    this.drawMs = performance.now() - started;
  }

  /**
   * @param {boolean} focused
   * @returns {import("./draw.js").Scene}
   */
  scene(focused) {
    const { model, layout, frame, view, palette, hover, selection, found, flash, scale } = this;
    return {
      model,
      layout,
      frame,
      view,
      palette,
      hover,
      cursor: focused ? this.cursor : null,
      selection,
      found,
      flash,
      scale,
    };
  }

  /**
   * Dim what a search does not find.
   * @param {string} query
   * @returns {{row: number, column: number} | null} how many it finds
   */
  search(query) {
    this.query = query.trim().toLowerCase();
    this.find();
    this.draw();
    return this.found && { row: this.found.row.size, column: this.found.column.size };
  }

  find() {
    if (this.query === "") {
      this.found = null;
      return;
    }
    const hits = this.model.labels.map((label) => label.toLowerCase().includes(this.query));
    const groups = new Set(this.model.ns.filter((_, i) => hits[i]));
    const among = (items) => {
      const numbers = items.map((item, i) => ((item.leaf < 0 ? groups.has(item.group) : hits[item.leaf]) ? i : -1));
      return new Set(numbers.filter((i) => i >= 0));
    };
    this.found = { row: among(this.layout.rows), column: among(this.layout.columns) };
  }

  /** @returns {"namespace" | "workload" | "mixed"} */
  level() {
    const groups = new Set(this.model.ns);
    return this.collapsed.size === 0 ? "workload" : this.collapsed.size === groups.size ? "namespace" : "mixed";
  }

  /**
   * Collapse or expand every namespace; takes effect with the next `set`.
   * @param {"namespace" | "workload"} level
   */
  setLevel(level) {
    this.collapsed = new Set(level === "namespace" ? this.model.ns : []);
  }

  /**
   * Collapse or expand one namespace, on both axes, and bring it back into view.
   * @param {number} group
   */
  toggle(group) {
    const before = this.placeOf(group);
    if (!this.collapsed.delete(group)) {
      this.collapsed.add(group);
    }
    this.arrange();
    const after = this.placeOf(group);
    if (before !== null && after !== null) {
      window.scrollBy(0, after - before);
    }
    this.pointOut(group);
    this.on.collapsed();
  }

  /**
   * Where the first row of a group is, in CSS pixels of the canvas; null if it has none.
   * @param {number} group
   */
  placeOf(group) {
    const row = this.layout.rows.findIndex((item) => item.group === group);
    return row < 0 || !this.frame ? null : this.frame.top + (row - this.view.y) * this.view.ky;
  }

  /** @param {number} group */
  pointOut(group) {
    this.flash = group;
    this.draw();
    setTimeout(() => {
      this.flash = -1;
      this.draw();
    }, FLASH_MS);
  }

  /**
   * Select a region, or nothing.
   * @param {import("./selection.js").Region | null} region
   */
  choose(region) {
    this.selection = region;
    this.on.selected(region && selectionOf(this.model, this.layout, region));
    this.draw();
  }

  /** @param {{x: number, y: number}} point */
  hitAt(point) {
    const place = hit(this.frame, this.size, this.view, point);
    const item = place.r >= 0 ? this.layout.rows[place.r] : this.layout.columns[place.c];
    return { ...place, group: item ? item.group : -1 };
  }

  /** @param {{x: number, y: number}} point */
  point(point) {
    const hover = this.hitAt(point);
    if (!this.hover || hover.r !== this.hover.r || hover.c !== this.hover.c || hover.zone !== this.hover.zone) {
      this.hover = hover;
      this.canvas.style.cursor = hover.zone === "none" ? "default" : hover.zone === "cell" ? "crosshair" : "pointer";
      this.draw();
    }
    this.showTip(point);
  }

  unpoint() {
    this.hover = null;
    this.tip.hidden = true;
    this.draw();
  }

  /** @param {{x: number, y: number}} point */
  showTip(point) {
    this.tip.hidden = this.hover.zone === "none";
    if (this.tip.hidden) {
      return;
    }
    const inCell = this.hover.zone === "cell";
    const describe = inCell ? describeCell : describeAxis;
    const { title, lines } = describe(this.model, this.layout, this.hover, this.options.measure);
    this.tip.replaceChildren(el("b", {}, title), ...lines.map((line) => el("div", {}, line)));
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const below = point.y + 18 + height <= this.frame.total.height || point.y < height + 12;
    this.tip.style.left = `${Math.max(0, Math.min(this.frame.total.width - width, point.x + 14))}px`;
    this.tip.style.top = `${below ? point.y + 18 : point.y - height - 12}px`;
  }

  /** @param {{x: number, y: number}} point */
  click(point) {
    const { r, c, zone, group } = this.hitAt(point);
    const item = r >= 0 ? this.layout.rows[r] : this.layout.columns[c];
    if (zone === "cell") {
      this.cursor = { r, c };
      const traffic = this.layout.index.has(r * this.size.columns + c);
      this.choose(traffic ? regionAt(this.size, { r, c }, "cell") : null);
    } else if (zone.endsWith("Band") || (item && item.leaf < 0)) {
      this.toggle(group);
    } else if (zone !== "none") {
      this.choose(regionAt(this.size, { r, c }, zone));
    }
  }

  focused() {
    if (this.size.rows) {
      this.cursor ??= { r: 0, c: 0 };
      this.draw();
    }
  }

  /**
   * @param {{r: number, c: number}} step
   * @param {boolean} jump
   */
  move(step, jump) {
    this.tip.hidden = true;
    this.hover = null;
    this.cursor = moved(this.layout, this.cursor ?? { r: 0, c: 0 }, step, jump);
    this.view = revealView(this.frame, this.size, this.view, this.cursor);
    this.live.textContent = sentence(describeCell(this.model, this.layout, this.cursor, this.options.measure));
    this.draw();
  }

  /** @param {"cell" | "row" | "column"} kind */
  chooseAtCursor(kind) {
    this.tip.hidden = true;
    if (this.cursor) {
      this.choose(regionAt(this.size, this.cursor, kind));
    }
  }

  toggleAtCursor() {
    this.tip.hidden = true;
    const group = this.layout.rows[this.cursor?.r ?? 0]?.group;
    if (group !== undefined) {
      this.toggle(group);
      this.cursor = {
        r: Math.max(
          0,
          this.layout.rows.findIndex((item) => item.group === group),
        ),
        c: 0,
      };
      const state = this.collapsed.has(group) ? "collapsed" : "expanded";
      this.live.textContent = `${this.model.groups[group]} ${state}, now ${this.size.rows} clients`;
      this.draw();
    }
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  panTo(x, y) {
    this.tip.hidden = true;
    this.view = clampView(this.frame, this.size, { ...this.view, x, y });
    this.draw();
  }

  /**
   * @param {number} factor
   * @param {{x: number, y: number}} [point]
   */
  zoom(factor, point) {
    this.tip.hidden = true;
    this.view = zoomView(this.frame, this.size, this.view, factor, point);
    this.draw();
    this.on.viewed();
  }

  fit() {
    this.tip.hidden = true;
    this.view = fitView(this.frame, this.size);
    this.draw();
    this.on.viewed();
  }

  isZoomed() {
    const whole = fitView(this.frame, this.size);
    return this.view.kx > whole.kx || this.view.ky > whole.ky;
  }

  /** @param {boolean} on */
  print(on) {
    this.printing = on;
    this.frameAnew();
  }

  destroy() {
    this.resizing.disconnect();
  }
}
