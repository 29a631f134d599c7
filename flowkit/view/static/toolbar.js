// The controls above the views: search, filters, namespaces, and how the matrix is drawn.

import { el } from "./dom.js";
import { countText, plural, protocolText } from "./format.js";
import { INFERRED, MEASURES, isCompared, isFiltering, isJudged } from "./model.js";

const MANY_GROUPS = 20;
const ORDERS = ["namespace", "traffic", "similar"];
const LEVELS = ["namespace", "workload"];

/**
 * A control: its element, and how it follows the state.
 * @typedef {{element: HTMLElement, refresh: (app: any) => void}} Control
 * @typedef {import("./model.js").Model} Model
 */

/**
 * Search, port, protocol, state, and the button that clears them.
 * @param {Model} model
 * @param {any} app
 * @returns {Control & {search: HTMLInputElement}}
 */
export function filterBar(model, app) {
  const search = searchField(app);
  const found = el("span", { class: "fk-muted fk-found", role: "status" });
  const selects = [
    select("Port", "any port", portOptions(model), (port) => app.setFilter({ port })),
    select("Protocol", "any protocol", protocolOptions(model), (proto) => app.setFilter({ proto })),
    select("State", "any state", stateOptions(model), (state) => app.setFilter({ state })),
    ...(isJudged(model)
      ? [
          select("Policy", "any verdict", codes(model.verdicts, model.edges.status), (status) =>
            app.setFilter({ status }),
          ),
        ]
      : []),
    ...(isCompared(model)
      ? [
          select("Change", "changed or not", codes(model.changes, model.edges.change), (change) =>
            app.setFilter({ change }),
          ),
        ]
      : []),
  ];
  const keys = [
    "port",
    "proto",
    "state",
    ...(isJudged(model) ? ["status"] : []),
    ...(isCompared(model) ? ["change"] : []),
  ];
  const clear = el("button", { type: "button", class: "fk-clear", onclick: () => app.clear() }, "Clear filters");
  return {
    element: el("div", { class: "fk-row" }, search, found, ...selects, clear),
    search,
    refresh({ state, found: hits }) {
      selects.forEach((field, i) => {
        field.value = state.filter[keys[i]];
        field.classList.toggle("fk-active", field.value !== "");
      });
      clear.hidden = !isFiltering(state.filter);
      found.textContent = hits
        ? hits.row + hits.column
          ? `${plural(hits.row, "row")}, ${plural(hits.column, "column")}`
          : "no match"
        : "";
    },
  };
}

/** @param {any} app */
function searchField(app) {
  return el("input", {
    type: "search",
    class: "fk-search",
    placeholder: "Search names ( / )",
    "aria-label": "Search names",
    oninput: (event) => app.setQuery(event.target.value),
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.key === "Escape") {
        event.target.value = "";
        app.setQuery("");
      }
    },
  });
}

/**
 * @param {string} name
 * @param {string} any the words for no choice
 * @param {{value: string, words: string}[]} options
 * @param {(value: string) => void} chosen
 */
function select(name, any, options, chosen) {
  const parts = [{ value: "", words: any }, ...options].map(({ value, words }) => el("option", { value }, words));
  return el("select", { "aria-label": name, onchange: (event) => chosen(event.target.value) }, ...parts);
}

/** @param {Model} model */
function portOptions(model) {
  const counts = new Map();
  for (const port of model.edges.port) {
    counts.set(port, (counts.get(port) ?? 0) + 1);
  }
  const sorted = [...counts.keys()].sort((one, other) => one - other);
  return sorted.map((port) => ({ value: String(port), words: port < 0 ? "without port" : String(port) }));
}

/** @param {Model} model */
function protocolOptions(model) {
  const sorted = [...new Set(model.edges.proto)].sort((one, other) => one - other);
  return sorted.map((proto) => ({ value: String(proto), words: protocolText(proto) }));
}

/** @param {Model} model */
function stateOptions(model) {
  const options = model.states.map((state) => ({ value: state, words: state }));
  return model.inferred.some(Boolean) ? [...options, { value: INFERRED, words: "direction inferred" }] : options;
}

/**
 * The codes that occur, in words.
 * @param {string[]} words
 * @param {number[]} column
 */
function codes(words, column) {
  const used = new Set(column);
  return words.flatMap((text, code) => (used.has(code) ? [{ value: String(code), words: text }] : []));
}

/**
 * One chip a namespace; several may be chosen. Above 20 they are folded away, with a field to find them.
 * @param {Model} model
 * @param {any} app
 * @returns {Control}
 */
export function groupChips(model, app) {
  const chips = model.groups.map((name, group) =>
    el(
      "button",
      { type: "button", class: "fk-chip", "aria-pressed": "false", onclick: () => app.toggleGroup(group) },
      el("bdi", {}, name),
    ),
  );
  const picked = ["pair", "only", "period"].map((name) =>
    el("button", { type: "button", class: "fk-chip", "aria-pressed": "true", onclick: () => app.unset(name), name }),
  );
  const row = el("div", { class: "fk-chips", role: "group", "aria-label": "Namespaces" }, ...chips);
  const element = el("div", {}, ...picked, chips.length > MANY_GROUPS ? folded(chips, row) : row);
  return {
    element,
    refresh({ state }) {
      chips.forEach((chip, group) => chip.setAttribute("aria-pressed", String(state.filter.groups.has(group))));
      for (const chip of picked) {
        const words = state.filter[chip.name]?.words;
        chip.hidden = words === undefined;
        chip.replaceChildren(el("bdi", {}, words ?? ""), " ✕");
        chip.setAttribute("aria-label", `Remove the filter ${words ?? ""}`);
      }
    },
  };
}

/**
 * @param {HTMLElement[]} chips
 * @param {HTMLElement} row
 */
function folded(chips, row) {
  const narrow = (event) => {
    const wanted = event.target.value.trim().toLowerCase();
    for (const chip of chips) {
      chip.hidden = chip.getAttribute("aria-pressed") !== "true" && !chip.textContent.toLowerCase().includes(wanted);
    }
  };
  const field = el("input", {
    type: "search",
    placeholder: "Find a namespace",
    "aria-label": "Find a namespace",
    oninput: narrow,
  });
  return el("details", { class: "fk-many" }, el("summary", {}, `${countText(chips.length)} namespaces`), field, row);
}

/**
 * How the matrix is drawn. A matrix of pods or addresses says so; one of namespaces has nothing to collapse.
 * @param {Model} model
 * @param {any} app
 * @returns {Control}
 */
export function optionBar(model, app) {
  const mixed = el("span", { class: "fk-muted", hidden: true }, "mixed");
  const rows = segments("Rows", LEVELS, (level) => app.setLevel(level), ["namespace", model.meta.by]);
  const measure = segments("Measure", MEASURES, (value) => app.setOption({ measure: value }));
  const order = segments("Order", ORDERS, (value) => app.setOption({ order: value }));
  rows.element.append(mixed);
  return {
    element: el("div", { class: "fk-row fk-options" }, rows.element, measure.element, order.element),
    refresh({ state, level, options }) {
      rows.press(level);
      mixed.hidden = level !== "mixed";
      measure.press(state.measure);
      order.press(state.order);
      rows.element.hidden = !options.includes("rows") || model.meta.by === "namespace";
      measure.element.hidden = !options.includes("measure");
      order.element.hidden = !options.includes("order");
    },
  };
}

/**
 * Buttons of which one is pressed.
 * @param {string} name
 * @param {string[]} values
 * @param {(value: string) => void} chosen
 * @param {string[]} [words] if not the values themselves
 */
function segments(name, values, chosen, words = values) {
  const buttons = values.map((value, i) =>
    el("button", { type: "button", "aria-pressed": "false", onclick: () => chosen(value) }, words[i]),
  );
  const group = el("span", { class: "fk-segments" }, ...buttons);
  return {
    element: el(
      "div",
      { class: "fk-option", role: "group", "aria-label": name },
      el("span", { class: "fk-muted" }, name),
      group,
    ),
    /** @param {string} value */
    press(value) {
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(values[i] === value)));
    },
  };
}

/**
 * The tabs, one a view.
 * @param {import("./views.js").ViewKind[]} kinds
 * @param {any} app
 * @returns {Control}
 */
export function tabBar(kinds, app) {
  const tabs = kinds.map(({ id, title }) =>
    el(
      "button",
      {
        type: "button",
        role: "tab",
        id: app.idOf("tab", id),
        "aria-controls": app.idOf("pane", id),
        onclick: () => app.show(id),
      },
      title,
    ),
  );
  const turn = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by) {
      const next = (tabs.indexOf(event.target) + by + tabs.length) % tabs.length;
      app.show(kinds[next].id);
      tabs[next].focus();
    }
  };
  return {
    element: el("div", { class: "fk-tabs", role: "tablist", onkeydown: turn }, ...tabs),
    refresh({ state }) {
      tabs.forEach((tab, i) => {
        const chosen = kinds[i].id === state.view;
        tab.setAttribute("aria-selected", String(chosen));
        tab.tabIndex = chosen ? 0 : -1;
      });
    },
  };
}
