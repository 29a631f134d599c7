// The application in any host: one payload, one state, the controls and the views that follow it.

import { el } from "./dom.js";
import { bytesText, countText, periodText, plural, protocolText } from "./format.js";
import { header } from "./header.js";
import { chooseNamed, recalled, refocus, remember } from "./memory.js";
import { filtered, isFiltering, noFilter, readModel, totals } from "./model.js";
import { dress, watchTheme } from "./theme.js";
import { filterBar, groupChips, optionBar, tabBar } from "./toolbar.js";
import { VIEWS } from "./views.js";

const COLLAPSED_ABOVE = 150;
// what is counted of edges by their verdict, from the third on: the first two are as they should be
const COUNTED = ["without policy", "undecided", "would be denied"];
let mounted = 0;

/**
 * Show a payload inside an element.
 * @param {HTMLElement} host
 * @param {any} payload
 * @param {Events} [on]
 */
export function mountApp(host, payload, on = {}) {
  return new App(host, readModel(payload), on);
}

/**
 * What a host may want to know. One that takes `brushed` makes a new payload for a period; without it the page filters itself.
 * @typedef {object} Events
 * @property {(selection: import("./selection.js").Selection | null) => void} [selected]
 * @property {(view: string) => void} [viewed]
 * @property {(period: number[] | null) => void} [brushed]
 */

class App {
  /**
   * @param {HTMLElement} host
   * @param {import("./model.js").Model} model
   * @param {Events} on
   * @param {import("./memory.js").Memory | null} [memory]
   */
  constructor(host, model, on, memory = null) {
    this.model = model;
    this.host = host;
    this.on = on;
    mounted += 1;
    this.number = mounted;
    /** @type {import("./views.js").State} */
    this.state = { filter: noFilter(), query: "", measure: "bytes", order: "namespace", view: VIEWS[0].id };
    this.found = null;
    this.build();
    if (memory) {
      const { state, collapsed } = recalled(model, memory);
      this.state = state;
      this.brushed = memory.brushed;
      this.matrix.collapsed = collapsed;
      this.filterBar.search.value = state.query;
    } else if (model.labels.length > COLLAPSED_ABOVE) {
      this.matrix.setLevel("namespace");
    }
    this.listen();
    this.update();
    if (memory) {
      if (this.kind > 0) {
        this.views[0].update(this.edges, this.state); // what is selected is so in every view
      }
      chooseNamed(this.matrix, memory.selection);
      refocus(this.root, memory.focus);
    }
  }

  /**
   * Show another payload with the reader's filters, view and selection as they are.
   * @param {any} payload
   */
  replaced(payload) {
    const memory = remember(this);
    const height = this.root.offsetHeight;
    this.host.style.minHeight = `${height}px`; // the page must not jump while the old one is gone
    this.destroy();
    const next = new App(this.host, readModel(payload), this.on, memory);
    this.host.style.minHeight = "";
    return next;
  }

  /** @param {"auto" | "light" | "dark"} theme */
  setTheme(theme) {
    dress(this.root, theme);
    this.views.forEach((view) => view.repaint());
  }

  /**
   * Mark what is shown as old while its successor is on the way.
   * @param {boolean} stale
   */
  setStale(stale) {
    this.root.classList.toggle("fk-stale", stale);
    this.root.setAttribute("aria-busy", String(stale));
  }

  build() {
    this.filterBar = filterBar(this.model, this);
    this.optionBar = optionBar(this.model, this);
    this.status = el("p", { class: "fk-status", role: "status" });
    this.kinds = VIEWS.filter(({ needs }) => !needs || needs(this.model));
    this.controls = [this.filterBar, groupChips(this.model, this), tabBar(this.kinds, this), this.optionBar];
    const [filters, chips, tabs, options] = this.controls.map((control) => control.element);
    this.panes = this.kinds.map(({ id, title }) =>
      el("section", {
        class: "fk-pane",
        id: this.idOf("pane", id),
        role: "tabpanel",
        "data-title": title,
        "aria-labelledby": this.idOf("tab", id),
      }),
    );
    this.root = el("div", { class: "fk", tabIndex: -1 });
    this.root.append(
      header(this.model, (state) => this.setFilter({ state })),
      el("div", { class: "fk-controls", role: "search", "aria-label": "Filters" }, filters, chips),
      el("div", { class: "fk-bar" }, tabs, this.status),
      options,
      ...this.panes,
    );
    this.host.append(this.root);
    this.views = this.kinds.map((kind, i) => kind.create(this.panes[i], this.model, this.actions()));
  }

  /** @returns {import("./views.js").Actions} */
  actions() {
    return {
      selected: (selection) => this.on.selected?.(selection),
      filterTo: (selection) => this.filterTo(selection),
      showInTable: (selection) => {
        this.filterTo(selection);
        this.show("table");
      },
      open: (id, filter) => this.open(id, filter),
      brush: (period) => this.brush(period),
      period: () => this.brushed ?? null,
      withoutPeriod: () => filtered(this.model, { ...this.state.filter, period: null }),
      levelChanged: () => this.refresh(),
      clear: () => this.clear(),
      filterWords: () => this.filterWords(),
    };
  }

  listen() {
    this.leaving = new AbortController();
    const { signal } = this.leaving;
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    if (document.body.classList.contains("fk-page")) {
      // the page is ours; in a notebook its keys are not
      document.addEventListener("keydown", (event) => event.target === document.body && this.onKey(event), { signal });
    }
    const paper = matchMedia("print");
    paper.addEventListener("change", () => this.print(paper.matches), { signal });
    window.addEventListener("beforeprint", () => this.print(true), { signal });
    window.addEventListener("afterprint", () => this.print(false), { signal });
    watchTheme(() => this.setTheme(this.root.dataset.wanted ?? "auto"), signal);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      event.stopPropagation();
      this.filterBar.search.focus();
    }
  }

  /**
   * @param {string} kind
   * @param {string} id
   */
  idOf(kind, id) {
    return `fk-${kind}-${this.number}-${id}`;
  }

  /** The matrix, whatever view is open. */
  get matrix() {
    return this.views[0].matrix;
  }

  get kind() {
    return this.kinds.findIndex(({ id }) => id === this.state.view);
  }

  /** Filter anew and let the open view and the controls follow. */
  update() {
    this.edges = filtered(this.model, this.state.filter);
    this.panes.forEach((pane, i) => {
      pane.hidden = i !== this.kind;
    });
    this.views[this.kind].update(this.edges, this.state);
    this.status.textContent = this.statusWords();
    this.refresh();
  }

  refresh() {
    this.found = this.state.view === "matrix" ? this.matrix.search(this.state.query) : null;
    const now = {
      state: this.state,
      found: this.found,
      level: this.matrix.level(),
      options: this.kinds[this.kind].options,
    };
    this.controls.forEach((control) => control.refresh(now));
    this.optionBar.element.hidden = now.options.length === 0;
  }

  /** @param {Partial<import("./model.js").Filter>} patch */
  setFilter(patch) {
    this.state.filter = { ...this.state.filter, ...patch };
    this.update();
  }

  /** @param {number} group */
  toggleGroup(group) {
    const groups = new Set(this.state.filter.groups);
    if (!groups.delete(group)) {
      groups.add(group);
    }
    this.setFilter({ groups });
  }

  /** @param {import("./selection.js").Selection} selection */
  filterTo({ clients, servers, client, server }) {
    this.setFilter({ pair: { clients: new Set(clients), servers: new Set(servers), words: `${client} → ${server}` } });
  }

  /**
   * Turn to a view with this filter and no other.
   * @param {string} id
   * @param {Partial<import("./model.js").Filter>} filter
   */
  open(id, filter) {
    this.state.filter = { ...noFilter(), ...filter };
    this.show(id);
  }

  /**
   * Keep what is of a period: the host where it can make a new payload, else by first and last sight.
   * @param {number[] | null} period ms since 1970
   */
  brush(period) {
    this.brushed = period;
    if (this.on.brushed) {
      this.on.brushed(period);
      return;
    }
    const seconds = (time) => (time - this.model.meta.t0) / 1000;
    const range = period && { start: seconds(period[0]), end: seconds(period[1]), words: periodText(...period) };
    this.setFilter({ period: range });
  }

  /** @param {"pair" | "only" | "period"} name */
  unset(name) {
    if (name === "period") {
      this.brushed = null;
    }
    this.setFilter({ [name]: null });
  }

  clear() {
    if (this.state.filter.period) {
      this.brushed = null;
    }
    this.state.filter = noFilter();
    this.update();
  }

  /** @param {{measure?: string, order?: string}} patch */
  setOption(patch) {
    Object.assign(this.state, patch);
    this.update();
  }

  /** @param {"namespace" | "workload"} level */
  setLevel(level) {
    this.matrix.setLevel(level);
    this.update();
  }

  /** @param {string} query */
  setQuery(query) {
    this.state.query = query;
    if (this.state.view === "matrix") {
      this.matrix.search(query);
      this.refresh();
    } else {
      this.update();
    }
  }

  /** @param {string} id */
  show(id) {
    if (this.kinds.some((kind) => kind.id === id)) {
      this.state.view = id;
      this.on.viewed?.(id);
      this.update();
    }
  }

  /** The filters in words, empty for none. */
  filterWords() {
    const { groups, port, proto, state, status, change, pair, only, period } = this.state.filter;
    const words = [...groups].map((group) => `namespace ${this.model.groups[group]}`);
    if (port !== "") {
      words.push(Number(port) < 0 ? "without port" : `port ${port}`);
    }
    if (proto !== "") {
      words.push(protocolText(Number(proto)));
    }
    if (state !== "") {
      words.push(state);
    }
    const coded = [status && this.model.verdicts[status], change && this.model.changes[change]];
    return [...words, ...coded, pair?.words, only?.words, period?.words].filter(Boolean).join(", ");
  }

  statusWords() {
    const sums = totals(this.model, this.edges);
    const size = `${plural(sums.clients, "client")} × ${plural(sums.servers, "server")}`;
    const parts = [size, plural(sums.pairs, "cell"), bytesText(sums.bytes)];
    this.model.states.slice(1).forEach((state, i) => {
      if (sums.byState[i + 1]) {
        parts.push(`${countText(sums.byState[i + 1])} ${state}`);
      }
    });
    COUNTED.forEach((words, i) => {
      if (sums.byStatus[i + 2]) {
        parts.push(`${countText(sums.byStatus[i + 2])} ${words}`);
      }
    });
    const all = this.model.all.length;
    const part = isFiltering(this.state.filter) ? ` (${countText(this.edges.length)} of ${plural(all, "edge")})` : "";
    return parts.join(" · ") + part;
  }

  /** @param {boolean} on */
  print(on) {
    if (on === this.printing) {
      return;
    }
    this.printing = on;
    this.root.classList.toggle("fk-printing", on);
    this.panes.forEach((pane, i) => {
      pane.hidden = !on && i !== this.kind;
    });
    this.views.forEach((view, i) => {
      if (on && i !== this.kind) {
        view.update(this.edges, this.state);
      }
      view.print(on);
    });
    for (const details of this.root.querySelectorAll(".fk-losses, .fk-rest")) {
      details.open = on;
    }
  }

  destroy() {
    this.leaving.abort();
    this.views.forEach((view) => view.destroy?.());
    this.root.remove();
  }
}
