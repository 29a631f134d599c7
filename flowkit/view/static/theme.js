// Colours of the page, read from the style sheet so that they are said once, and the shades that go with them.

import { ramp, rgbText } from "./colours.js";

const TOKENS = ["fg", "bg", "muted", "line", "ground", "accent", "warn", "edge", "band-one", "band-two", "silent"];
/** @type {Map<string, {rgb: number[][], css: string[]}>} */
const SHADES_OF = new Map();

/**
 * @typedef {object} Palette
 * @property {Record<string, string>} tokens
 * @property {{rgb: number[][], css: string[]}} outlined shades of cells with an outline
 * @property {{rgb: number[][], css: string[]}} bare shades of cells without
 * @property {string} font
 */

/**
 * @param {Element} element inside the application
 * @returns {Palette}
 */
export function readPalette(element) {
  const style = getComputedStyle(element);
  const token = (name) => style.getPropertyValue(`--fk-${name}`).trim();
  const theme = token("theme") === "dark" ? "dark" : "light";
  return {
    tokens: Object.fromEntries(TOKENS.map((name) => [name, token(name)])),
    outlined: shadesOf(theme, "outlined"),
    bare: shadesOf(theme, "bare"),
    font: style.fontFamily,
  };
}

/**
 * @param {"light" | "dark"} theme
 * @param {"outlined" | "bare"} cells
 */
function shadesOf(theme, cells) {
  const key = `${theme} ${cells}`;
  let shades = SHADES_OF.get(key);
  if (!shades) {
    const rgb = ramp(theme, cells);
    shades = { rgb, css: rgb.map(rgbText) };
    SHADES_OF.set(key, shades);
  }
  return shades;
}

/**
 * Put on a theme; auto is JupyterLab's own where it says one, else the system's.
 * @param {HTMLElement} root
 * @param {"auto" | "light" | "dark"} wanted
 */
export function dress(root, wanted) {
  root.dataset.wanted = wanted;
  const lab = { true: "light", false: "dark" }[document.body.dataset.jpThemeLight];
  const theme = wanted === "auto" ? lab : wanted;
  if (theme) {
    root.dataset.theme = theme;
  } else {
    delete root.dataset.theme;
  }
}

/**
 * Call when the page turns dark or light.
 * @param {() => void} changed
 * @param {AbortSignal} signal ends it
 */
export function watchTheme(changed, signal) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal });
  const lab = new MutationObserver(changed);
  lab.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  signal.addEventListener("abort", () => lab.disconnect());
}
