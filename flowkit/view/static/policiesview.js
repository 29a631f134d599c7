// The view Policies: what they would deny, then every policy with its YAML and, for each rule, the edges it stands on.

import { copy, download, el } from "./dom.js";
import { countText, periodText, plural, shown } from "./format.js";
import { DENIED, seen, totals } from "./model.js";

/** The view Policies, see `View` in views.js. */
export class PoliciesView {
  /**
   * @param {HTMLElement} host
   * @param {import("./model.js").Model} model
   * @param {import("./views.js").Actions} actions
   */
  constructor(host, model, actions) {
    this.model = model;
    this.actions = actions;
    this.list = el("div", { class: "fk-policies" });
    this.denials = el("div", {});
    host.append(this.denials, this.bar(), this.list);
    this.open = new Set();
  }

  bar() {
    const all = this.model.policies.map(({ yaml }) => yaml.trim()).join("\n---\n");
    const save = () => download(`${all}\n`, "policies.yaml", "application/yaml");
    const count = plural(this.model.policies.length, "policy").replace(/policys$/, "policies");
    return el(
      "div",
      { class: "fk-row" },
      el("span", {}, count),
      el("button", { type: "button", onclick: save }, "Download all as YAML"),
      el("span", { class: "fk-muted" }, "Review before applying: they allow only what was observed."),
    );
  }

  /**
   * @param {number[]} edges
   * @param {import("./views.js").State} state
   */
  update(edges, { filter, query }) {
    this.denials.replaceChildren(...this.verdictLines());
    const wanted = query.trim().toLowerCase();
    const shownPolicies = this.model.policies.filter(
      ({ ns, namespace, name }) =>
        (!filter.groups.size || filter.groups.has(ns)) && `${namespace}/${name}`.toLowerCase().includes(wanted),
    );
    this.list.replaceChildren(...shownPolicies.map((policy) => this.policy(policy)));
  }

  verdictLines() {
    const { verdicts, all, edges } = this.model;
    return verdicts.flatMap((words, code) => {
      const found = all.filter((edge) => edges.status[edge] === code);
      if (code < 2 || !found.length) {
        return [];
      }
      const sums = totals(this.model, found);
      const text = `${plural(found.length, "observed edge")} ${verdictClause(found.length)[code]}: ${plural(sums.connections, "connection")}, ${plural(sums.flows, "flow")}.`;
      const onclick = () => this.actions.open("table", { status: String(code) });
      const show = el("button", { type: "button", class: "fk-link", onclick }, "Show them");
      return [el("p", { class: code === DENIED ? "fk-notice" : "fk-note" }, text, show)];
    });
  }

  /** @param {any} policy */
  policy(policy) {
    const { namespace, name, yaml, rules } = policy;
    const title = `${shown(namespace || "(cluster)")}/${shown(name)}`;
    const edges = rules.reduce((sum, rule) => sum + rule.edges.length, 0);
    const text = el(
      "pre",
      { tabIndex: 0, role: "region", "aria-label": `YAML of ${title}` },
      yaml.replace(/[^\n\P{C}]/gu, shown),
    );
    const copied = el("button", { type: "button", onclick: (event) => copy(yaml, event.currentTarget) }, "Copy YAML");
    return el(
      "details",
      { class: "fk-policy", open: this.open.has(policy), ontoggle: (event) => this.toggled(policy, event.target.open) },
      el(
        "summary",
        {},
        el("bdi", {}, title),
        el("span", { class: "fk-muted" }, ` ${plural(rules.length, "rule")}, ${plural(edges, "edge")}`),
      ),
      el("ul", { class: "fk-ports" }, ...rules.map((rule) => this.rule(title, rule))),
      el("div", { class: "fk-buttons" }, copied),
      text,
    );
  }

  /**
   * @param {any} policy
   * @param {boolean} open
   */
  toggled(policy, open) {
    if (open) {
      this.open.add(policy);
    } else {
      this.open.delete(policy);
    }
  }

  /**
   * @param {string} title
   * @param {{text: string, edges: number[]}} rule
   */
  rule(title, { text, edges }) {
    if (!edges.length) {
      const words = "No observed traffic needs this rule.";
      return el("li", {}, el("div", {}, el("bdi", {}, shown(text))), el("div", { class: "fk-warned" }, words));
    }
    const sums = totals(this.model, edges);
    const [start, end] = seen(this.model, edges);
    const words = `evidence: ${plural(edges.length, "edge")}, ${plural(sums.flows, "flow")}, ${periodText(start, end)}`;
    const only = { edges: new Set(edges), words: `evidence of ${title}` };
    const show = el(
      "button",
      {
        type: "button",
        class: "fk-link",
        "aria-label": `Show the evidence of ${shown(text)}`,
        onclick: () => this.actions.open("matrix", { only }),
      },
      "Show",
    );
    return el("li", {}, el("div", {}, el("bdi", {}, shown(text))), el("div", { class: "fk-muted" }, words, show));
  }

  repaint() {}

  /** On paper the list without the YAML, which would fill forty pages. */
  print() {}
}

/** @param {number} count */
function verdictClause(count) {
  const [is, has] = count === 1 ? ["goes", "is"] : ["go", "are"];
  return ["", "", `${is} to servers that no policy selects`, `${has} undecided`, "would be denied"];
}

/**
 * How many edges would be denied, for the tab.
 * @param {import("./model.js").Model} model
 */
export function deniedCount(model) {
  const count = model.edges.status.filter((status) => status === DENIED).length;
  return count ? countText(count) : "";
}
