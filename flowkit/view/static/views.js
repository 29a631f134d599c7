// The views, in the order of their tabs. A new view is one module with such a class, and one line here.

import { MatrixView } from "./matrixview.js";
import { EdgeTable } from "./table.js";

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
 * @property {() => void} levelChanged
 * @property {() => void} clear
 * @property {() => string} filterWords
 *
 * @typedef {object} View
 * @property {(edges: number[], state: State) => void} update
 * @property {() => void} repaint
 * @property {(on: boolean) => void} print
 *
 * `options` names the controls the view has a use for.
 * @typedef {object} ViewKind
 * @property {string} id
 * @property {string} title
 * @property {string[]} options
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
  { id: "table", title: "Table", options: [], create: (host, model) => new EdgeTable(host, model) },
];
