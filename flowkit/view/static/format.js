// How names, numbers, ports and times are written. Pure; the rules for names are those of names.py.

const LONGEST = 200;
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const PROTOCOLS = new Map([
  [1, "ICMP"],
  [6, "TCP"],
  [17, "UDP"],
  [58, "ICMPv6"],
  [132, "SCTP"],
]);
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * A name made safe to read: invisible and direction characters as their number, at most 200 characters.
 * @param {string} name
 * @returns {string}
 */
export function shown(name) {
  if (name === "") {
    return "‹empty›";
  }
  return middleCut(name).replace(INVISIBLE, (character) => `‹${hex(character)}›`);
}

/** @param {string} character */
function hex(character) {
  return character.codePointAt(0).toString(16).toUpperCase().padStart(2, "0");
}

/** @param {string} name */
function middleCut(name) {
  const characters = name.length > LONGEST ? [...name] : null;
  if (characters === null || characters.length <= LONGEST) {
    return name;
  }
  const head = Math.floor((LONGEST * 2) / 3);
  return [...characters.slice(0, head), "…", ...characters.slice(head + 1 - LONGEST)].join("");
}

/**
 * A name inside a sentence: right-to-left letters in it cannot turn the words around it.
 * @param {string} name
 */
export function isolated(name) {
  return `\u2068${shown(name)}\u2069`;
}

/**
 * Bytes in decimal units: 134.1 MB.
 * @param {number} size
 */
export function bytesText(size) {
  let unit = 0;
  while (Math.abs(size) >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit ? size.toFixed(1) : size.toFixed(0)} ${UNITS[unit]}`;
}

/**
 * A count with separators: 1,204.
 * @param {number} count
 */
export function countText(count) {
  return Math.round(count).toLocaleString("en");
}

/**
 * A count with its noun: 1 flow, 1,204 flows.
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * A value of a measure, with its unit.
 * @param {number} value
 * @param {string} measure a column of the payload
 */
export function amountText(value, measure) {
  return measure === "bytes" ? bytesText(value) : plural(value, measure.replace(/s$/, ""));
}

/** @param {number} proto the IP protocol number */
export function protocolText(proto) {
  return PROTOCOLS.get(proto) ?? `protocol ${proto}`;
}

/**
 * A server port with its protocol; protocols without ports stand alone.
 * @param {number} port -1 for none
 * @param {number} proto
 */
export function portText(port, proto) {
  return port < 0 ? protocolText(proto) : `${port}/${protocolText(proto)}`;
}

/**
 * A time as 2026-09-21 14:13:05, UTC.
 * @param {number} ms since 1970
 */
export function timeText(ms) {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}

/**
 * A period, the date once if it is the same day.
 * @param {number} start ms since 1970
 * @param {number} end
 */
export function periodText(start, end) {
  const [from, to] = [timeText(start), timeText(end)];
  if (from === to) {
    return `${from} UTC`;
  }
  return `${from} – ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11) : to} UTC`;
}

/**
 * The longest form of a text that fits a width, cut in the middle: both ends of a Kubernetes name tell apart.
 * @param {string} text
 * @param {number} width
 * @param {(text: string) => number} measure
 */
export function fitted(text, width, measure) {
  if (measure(text) <= width) {
    return text;
  }
  const characters = [...text];
  const cut = (kept) =>
    [
      ...characters.slice(0, Math.ceil(kept / 2)),
      "…",
      ...characters.slice(characters.length - Math.floor(kept / 2)),
    ].join("");
  let [low, high] = [0, characters.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (measure(cut(middle)) <= width) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low === 0 ? "" : cut(low);
}
