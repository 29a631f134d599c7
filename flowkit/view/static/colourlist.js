// One colour a namespace, for areas and ribbons: after Okabe and Ito, without the orange that marks are drawn in.

const GROUP_COLOURS = [
  "#0072b2",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#b8a600",
  "#7b61a8",
  "#8c6d46",
  "#4f8a8b",
  "#a63d60",
  "#6b8e23",
];
export const OTHER_COLOUR = "#8a949f";

/** @param {number} group -1 for all others together */
export function groupColour(group) {
  return group < 0 ? OTHER_COLOUR : GROUP_COLOURS[group % GROUP_COLOURS.length];
}
