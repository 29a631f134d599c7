// The notebook's widget as a host (anywidget): the payload comes from the kernel, what the reader does goes back to it.
//
// Traits: `payload` (gzip of JSON, from the kernel, at any time), `theme` (auto, light or dark), `view` (the open view, both
// ways), `selection` (edge numbers of the payload) and `brush` ([], or start and end in ms since 1970), both to the kernel.
// After a brush the view is marked as old until a payload comes or the message {"done": true}.

import { mountApp } from "./app.js";
import { inflated } from "./inflate.js";

const PATIENCE_MS = 300;
const TYPED = ["keydown", "keypress", "keyup"];

/**
 * Show the widget's payload in an element, for as long as it is on the page.
 * @param {{model: any, el: HTMLElement}} place
 * @returns {Promise<() => void>} ends it
 */
export async function render({ model, el: host }) {
  const shown = new ShownModel(model, host);
  const events = { payload: () => shown.show(), view: () => shown.turn(), theme: () => shown.dress() };
  const heard = (message) => message?.done && shown.app?.setStale(false);
  for (const [trait, act] of Object.entries(events)) {
    model.on(`change:${trait}`, act);
  }
  model.on("msg:custom", heard);
  for (const kind of TYPED) {
    host.addEventListener(kind, keepInside);
  }
  await shown.show();
  return () => {
    Object.entries(events).forEach(([trait, act]) => model.off(`change:${trait}`, act));
    model.off("msg:custom", heard);
    TYPED.forEach((kind) => host.removeEventListener(kind, keepInside));
    shown.end();
  };
}

/**
 * A notebook must not act on keys that are typed here.
 * @param {Event} event
 */
function keepInside(event) {
  event.stopPropagation();
}

class ShownModel {
  /**
   * @param {any} model
   * @param {HTMLElement} host
   */
  constructor(model, host) {
    this.model = model;
    this.host = host;
    this.app = null;
    this.latest = 0;
  }

  async show() {
    this.latest += 1;
    const mine = this.latest;
    const bytes = this.model.get("payload");
    if (!bytes?.byteLength) {
      return;
    }
    const payload = JSON.parse(await inflated(bytes));
    if (mine === this.latest) {
      // else a newer payload came while this one was unpacked, or the widget is gone
      this.app = this.app ? this.app.replaced(payload) : this.mounted(payload);
      this.dress();
    }
  }

  /** @param {any} payload */
  mounted(payload) {
    const on = {
      selected: (selection) => this.tell({ selection: selection ? [...selection.edges] : [] }),
      viewed: (view) => this.tell({ view }),
      brushed: (period) => this.brush(period),
    };
    const app = mountApp(this.host, payload, on);
    app.show(this.model.get("view") ?? "");
    return app;
  }

  /**
   * Tell the kernel what is new.
   * @param {Record<string, any>} traits
   */
  tell(traits) {
    const changed = Object.entries(traits).filter(([name, value]) => String(this.model.get(name)) !== String(value));
    changed.forEach(([name, value]) => this.model.set(name, value));
    if (changed.length) {
      this.model.save_changes();
    }
  }

  /** @param {number[] | null} period ms since 1970 */
  brush(period) {
    this.app.setStale(true);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.tell({ brush: period ?? [] }), PATIENCE_MS);
  }

  turn() {
    this.app?.show(this.model.get("view"));
  }

  dress() {
    this.app?.setTheme(this.model.get("theme") ?? "auto");
  }

  end() {
    this.latest += 1;
    clearTimeout(this.waiting);
    this.app?.destroy();
  }
}
