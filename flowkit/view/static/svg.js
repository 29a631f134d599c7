// Drawings as SVG. Text enters through textContent alone, as in dom.js.

const SPACE = ["http", "//www.w3.org/2000/svg"].join(":"); // a name, not an address: nothing is fetched

/**
 * Make an element of a drawing; a function under a key `onclick` listens, the rest are attributes.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null)} children
 * @returns {any}
 */
export function svg(tag, properties = {}, ...children) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, String(value));
    }
  }
  if (properties.tabindex !== undefined) {
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
