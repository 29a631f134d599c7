// The header: what the matrix was made from, what was left out, what to know before trusting it. Python writes the sentences.

import { el } from "./dom.js";
import { countText, plural, shown } from "./format.js";

const MOST_NOTICES = 4;

/**
 * @param {import("./model.js").Model} model
 * @param {(state: string) => void} showState
 */
export function header(model, showState) {
  const { facts, filters, notices } = model.header;
  return el(
    "header",
    { class: "fk-header" },
    el("h1", { class: "fk-title" }, shown(model.title)),
    el("p", { class: "fk-facts" }, ...facts.map((fact) => el("span", {}, el("bdi", {}, shown(fact))))),
    filters === "" ? null : el("p", { class: "fk-facts" }, el("bdi", {}, shown(filters))),
    ...noticeLines(notices, showState),
    losses(model.meta.losses),
    folds(model.meta.folded),
  );
}

/**
 * The first few in full, the rest one click away.
 * @param {{text: string, show?: string}[]} notices
 * @param {(state: string) => void} showState
 */
function noticeLines(notices, showState) {
  const lines = notices.map((notice) => noticeLine(notice, showState));
  if (lines.length <= MOST_NOTICES) {
    return lines;
  }
  const rest = lines.slice(MOST_NOTICES - 1);
  const folded = el(
    "details",
    { class: "fk-rest" },
    el("summary", { class: "fk-notice" }, `${rest.length} more notes`),
    ...rest,
  );
  return [...lines.slice(0, MOST_NOTICES - 1), folded];
}

/**
 * @param {{text: string, show?: string}} notice
 * @param {(state: string) => void} showState
 */
function noticeLine({ text, show }, showState) {
  const button = el("button", { type: "button", class: "fk-link", onclick: () => showState(show) }, "Show them");
  return el("p", { class: "fk-notice" }, el("bdi", {}, shown(text)), show ? button : null);
}

/** @param {Record<string, number>} lost by reason */
function losses(lost) {
  const kinds = Object.keys(lost).length;
  return reasons(
    `Left out: ${plural(kinds, "kind")} of input that ${kinds === 1 ? "is" : "are"} not in this matrix`,
    lost,
  );
}

/** @param {Record<string, number>} folded by reason */
function folds(folded) {
  const rows = Object.values(folded).reduce((sum, count) => sum + count, 0);
  return reasons(`Folded: ${plural(rows, "flow")} that others stand for`, folded);
}

/**
 * @param {string} summary
 * @param {Record<string, number>} counts
 */
function reasons(summary, counts) {
  const sorted = Object.entries(counts).sort((one, other) => other[1] - one[1]);
  if (!sorted.length) {
    return null;
  }
  const rows = sorted.map(([reason, count]) =>
    el("li", {}, el("b", {}, countText(count)), " ", el("bdi", {}, shown(reason))),
  );
  return el("details", { class: "fk-losses" }, el("summary", {}, summary), el("ul", {}, ...rows));
}
