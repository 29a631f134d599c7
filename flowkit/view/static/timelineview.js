// The view Timeline: what was in use when, by server namespace, and a brush over it that filters by time.

import { groupColour } from "./colourlist.js";
import { el } from "./dom.js";
import { FigureView } from "./figureview.js";
import { amountText, periodText, plural, timeText } from "./format.js";
import { svg } from "./svg.js";
import { roundAmounts, roundTimes, stackedPaths, timelineOf } from "./timelinedata.js";

const TIMELINE_HEIGHT = 240;
const MARGINS = { left: 62, right: 12, top: 12, bottom: 24 };
const TIMELINE_PRINTED = 1000;
const TICK_HALF = 30;
const DAY_MS = 86_400_000;
const TIMELINE_LABEL =
  "Time. Drag to choose a period. With the keyboard: left and right arrows move the period, Shift and arrow changes its length, Escape clears it.";

/** The view Timeline, see `View` in views.js. */
export class TimelineView extends FigureView {
  /**
   * @param {HTMLElement} host
   * @param {import("./model.js").Model} model
   * @param {import("./views.js").Actions} actions
   */
  constructor(host, model, actions) {
    super(host, model, actions);
    this.live = el("p", { class: "fk-row", role: "status" });
    this.figure = el("div", { class: "fk-figure" });
    this.words = el("p", { class: "fk-muted" });
    this.legend = el("div", { class: "fk-names" });
    host.append(this.words, this.figure, this.live, this.legend);
    this.period = null;
  }

  /**
   * @param {number[]} edges
   * @param {import("./views.js").State} state
   */
  update(edges, state) {
    this.state = state;
    this.edges = edges;
    this.period = this.actions.period();
    this.width = this.host.clientWidth;
    // the brush must not cut away what it is drawn on
    const whole = this.actions.withoutPeriod();
    this.timeline = timelineOf(this.model, whole, state.filter.groups);
    this.draw(this.printing ? TIMELINE_PRINTED : this.width);
  }

  /** @param {number} width */
  draw(width) {
    const { timeline } = this;
    if (!width) {
      return;
    }
    this.box = {
      x: MARGINS.left,
      y: MARGINS.top,
      width: width - MARGINS.left - MARGINS.right,
      height: TIMELINE_HEIGHT - MARGINS.top - MARGINS.bottom,
    };
    const areas = stackedPaths(timeline, this.box);
    this.brush = svg("rect", { class: "fk-brush", y: MARGINS.top, height: this.box.height });
    const drawing = svg(
      "svg",
      {
        class: "fk-timeline",
        viewBox: `0 0 ${width} ${TIMELINE_HEIGHT}`,
        width,
        height: TIMELINE_HEIGHT,
        tabindex: 0,
        role: "application",
        "aria-label": TIMELINE_LABEL,
      },
      ...this.grid(),
      ...areas.map(({ group, path }) =>
        svg("path", { d: path, fill: groupColour(group) }, svg("title", {}, this.nameOf(group))),
      ),
      ...this.ticks(),
      this.brush,
    );
    const held = this.figure.contains(document.activeElement);
    this.figure.replaceChildren(drawing);
    this.listen(drawing);
    this.words.textContent = this.explanation();
    this.legend.replaceChildren(...areas.map(({ group }) => this.key(group)));
    this.showBrush();
    if (held) {
      drawing.focus();
    }
  }

  /** @param {number} group */
  nameOf(group) {
    return group < 0 ? "others" : this.model.groups[group];
  }

  /** @param {number} group */
  key(group) {
    const swatch = el("span", { class: "fk-dot" });
    swatch.style.background = groupColour(group);
    return el("span", { class: "fk-key" }, swatch, el("bdi", {}, this.nameOf(group)));
  }

  explanation() {
    const bin = plural(Math.round(this.timeline.step / 1000), "second");
    return this.timeline.column === "edges"
      ? `Edges in use by server namespace, each from its first to its last sight; one step is ${bin}.`
      : `Bytes by server namespace, of all ports and states, spread evenly over each conversation; one step is ${bin}.`;
  }

  grid() {
    const { box, timeline } = this;
    return roundAmounts(timeline.highest).flatMap((amount) => {
      const y = Math.round(box.y + box.height * (1 - amount / timeline.highest)) + 0.5;
      const words = amount ? amountText(amount, timeline.column).replace(".0 ", " ") : "0";
      return [
        svg("line", { class: "fk-rule", x1: box.x, x2: box.x + box.width, y1: y, y2: y }),
        svg("text", { x: box.x - 6, y, "text-anchor": "end", "dominant-baseline": "central" }, words),
      ];
    });
  }

  ticks() {
    const { box, timeline } = this;
    const length = timeline.step * timeline.bins;
    const { times, step } = roundTimes(timeline.start, timeline.start + length, Math.max(1, Math.floor(box.width / 80)));
    const [from, to] = length > DAY_MS ? [5, 16] : [11, step < 60_000 ? 19 : 16];
    return times.map((time) => {
      const x = box.x + (box.width * (time - timeline.start)) / length;
      const anchor = x > box.x + box.width - TICK_HALF ? "end" : "middle";
      return svg("text", { x, y: TIMELINE_HEIGHT - 8, "text-anchor": anchor }, timeText(time).slice(from, to));
    });
  }

  /** @param {SVGElement} drawing */
  listen(drawing) {
    let from = null;
    drawing.addEventListener("pointerdown", (event) => {
      drawing.setPointerCapture(event.pointerId);
      drawing.focus();
      from = this.binAt(event, drawing);
    });
    drawing.addEventListener("pointermove", (event) => {
      if (from !== null) {
        this.preview(from, this.binAt(event, drawing));
      }
    });
    drawing.addEventListener("pointerup", (event) => {
      const to = this.binAt(event, drawing);
      const [low, high] = [Math.min(from, to), Math.max(from, to)];
      from = null;
      this.choose(low === high ? null : { low, high });
    });
    drawing.addEventListener("keydown", (event) => this.onKey(event));
  }

  /**
   * @param {PointerEvent} event
   * @param {SVGElement} drawing
   */
  binAt(event, drawing) {
    const x = event.clientX - drawing.getBoundingClientRect().x;
    const part = Math.min(1, Math.max(0, (x - this.box.x) / this.box.width));
    return Math.round(part * this.timeline.bins);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) {
      event.preventDefault();
      const { bins } = this.timeline;
      const wide = Math.max(1, Math.round(bins / 8));
      const { low, high } = this.bins() ?? {
        low: by > 0 ? -by : bins - wide - by,
        high: by > 0 ? wide - by : bins - by,
      };
      const end = Math.min(bins, high + by);
      const start = event.shiftKey ? low : Math.max(0, Math.min(low + by, end - 1));
      this.choose({
        low: Math.max(0, start),
        high: Math.max(Math.max(0, start) + 1, event.shiftKey || by > 0 ? end : start + high - low),
      });
    } else if (event.key === "Escape") {
      this.choose(null);
    }
  }

  /** The chosen period in bins. */
  bins() {
    if (!this.period) {
      return null;
    }
    const at = (time) => Math.round((time - this.timeline.start) / this.timeline.step);
    return { low: at(this.period[0]), high: at(this.period[1]) };
  }

  /** @param {{low: number, high: number} | null} bins */
  choose(bins) {
    const { start, step } = this.timeline;
    this.period = bins && [start + bins.low * step, start + bins.high * step];
    this.showBrush();
    this.actions.brush(this.period);
  }

  /**
   * @param {number} one
   * @param {number} other
   */
  preview(one, other) {
    const { start, step } = this.timeline;
    this.period = [start + Math.min(one, other) * step, start + Math.max(one, other) * step];
    this.showBrush();
  }

  showBrush() {
    const bins = this.bins();
    const unit = this.box.width / Math.max(1, this.timeline.bins);
    this.brush.setAttribute("x", String(this.box.x + (bins?.low ?? 0) * unit));
    this.brush.setAttribute("width", String(bins ? (bins.high - bins.low) * unit : 0));
    const clear = el("button", { type: "button", onclick: () => this.choose(null) }, "Whole period");
    const words = bins ? periodText(this.period[0], this.period[1]) : "Drag over the figure to choose a period.";
    this.live.replaceChildren(el("span", {}, words), ...(bins ? [clear] : []));
  }
}
