// A payload or a program as it travels: gzip, and in a page base64 around it.

/**
 * @param {string} base64
 * @returns {Promise<string>}
 */
export function unpackedText(base64) {
  return inflated(Uint8Array.from(atob(base64.trim()), (character) => character.charCodeAt(0)));
}

/**
 * @param {Uint8Array | DataView} bytes
 * @returns {Promise<string>}
 */
export function inflated(bytes) {
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}
