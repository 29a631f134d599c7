// The only place that makes elements. Text enters the page through textContent alone, never as HTML.

const FOCUSABLE = /^(a|button|canvas|input|pre|select|summary|textarea)$/;

/**
 * Make an element. A function under a key `onclick` listens, `class` is the class, what the element has as a property
 * is set as one, the rest are attributes.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null)} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    setProperty(element, name, value);
  }
  if (FOCUSABLE.test(tag) || properties.tabIndex !== undefined) {
    // JupyterLab deletes the user's cell on "d d" unless this sits on the focused element itself
    element.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/**
 * @param {any} element
 * @param {string} name
 * @param {any} value
 */
function setProperty(element, name, value) {
  if (name === "class") {
    element.className = value;
  } else if (typeof value === "function") {
    element.addEventListener(name.slice(2), value);
  } else if (name in element && !name.startsWith("aria") && name !== "role") {
    element[name] = value;
  } else {
    element.setAttribute(name, String(value));
  }
}

/**
 * Hand a text to the reader as a file.
 * @param {string} text
 * @param {string} name
 * @param {string} type
 */
export function download(text, name, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = el("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/**
 * Copy a text and say so on the button that asked.
 * @param {string} text
 * @param {HTMLButtonElement} button
 */
export async function copy(text, button) {
  const words = button.dataset.words ?? button.textContent ?? "";
  button.dataset.words = words;
  button.textContent = (await copied(text, button)) ? "Copied ✓" : "Not allowed here";
  setTimeout(() => {
    button.textContent = words;
  }, 1500);
}

/**
 * @param {string} text
 * @param {HTMLElement} near
 */
async function copied(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = el("textarea", { value: text, class: "fk-aside" });
    near.after(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    near.focus();
    return done;
  }
}
