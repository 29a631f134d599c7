// The views, in the order of their tabs. A new view is one module with such a class, and one line here.

import { ChangesView } from "./changesview.js";
import { ExternalView } from "./externalview.js";
import { MatrixView } from "./matrixview.js";
import { isCompared, isJudged } from "./model.js";
import { PoliciesView } from "./policiesview.js";
import { PortsView } from "./portsview.js";
import { SankeyView } from "./sankeyview.js";
import { EdgeTable } from "./table.js";
import { TimelineView } from "./timelineview.js";

/**
 * @typedef {object} State
 * @property {import("./model.js").Filter} filter
 * @property {string} query
 * @property {string} measure
 * @property {string} order
 * @property {string} view
 *
 * What a view may ask of the application.
 * @typedef {object} Actions
 * @property {(selection: import("./selection.js").Selection | null) => void} selected
 * @property {(selection: import("./selection.js").Selection) => void} filterTo
 * @property {(selection: import("./selection.js").Selection) => void} showInTable
 * @property {(id: string, filter: Partial<import("./model.js").Filter>) => void} open a view with this filter alone
 * @property {(period: number[] | null) => void} brush
 * @property {() => number[] | null} period what is brushed
 * @property {() => number[]} withoutPeriod the filtered edges of all times
 * @property {() => void} levelChanged
 * @property {() => void} clear
 * @property {() => string} filterWords
 *
 * @typedef {object} View
 * @property {(edges: number[], state: State) => void} update
 * @property {() => void} repaint
 * @property {(on: boolean) => void} print
 * @property {() => void} [destroy]
 *
 * `options` names the controls the view has a use for.
 * @typedef {object} ViewKind
 * @property {string} id
 * @property {string} title
 * @property {string[]} options
 * @property {(model: import("./model.js").Model) => boolean} [needs] where the payload may have nothing for it
 * @property {(host: HTMLElement, model: import("./model.js").Model, actions: Actions) => View} create
 */

/** @type {ViewKind[]} */
export const VIEWS = [
  {
    id: "matrix",
    title: "Matrix",
    options: ["rows", "measure", "order"],
    create: (host, model, actions) => new MatrixView(host, model, actions),
  },
  {
    id: "ports",
    title: "Ports",
    options: ["measure", "order"],
    create: (host, model, actions) => new PortsView(host, model, actions),
  },
  { id: "table", title: "Table", options: [], create: (host, model) => new EdgeTable(host, model) },
  {
    id: "sankey",
    title: "Sankey",
    options: ["measure"],
    create: (host, model, actions) => new SankeyView(host, model, actions),
  },
  {
    id: "timeline",
    title: "Timeline",
    options: [],
    create: (host, model, actions) => new TimelineView(host, model, actions),
  },
  {
    id: "policies",
    title: "Policies",
    options: [],
    needs: isJudged,
    create: (host, model, actions) => new PoliciesView(host, model, actions),
  },
  {
    id: "changes",
    title: "Changes",
    options: [],
    needs: isCompared,
    create: (host, model, actions) => new ChangesView(host, model, actions),
  },
  {
    id: "external",
    title: "External",
    options: [],
    needs: (model) => model.external !== null,
    create: (host, model) => new ExternalView(host, model),
  },
];
