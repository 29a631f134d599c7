// The payload as it stands in a report: base64 of gzip of JSON.

/**
 * @param {string} base64
 * @returns {Promise<any>}
 */
export async function inflate(base64) {
  const bytes = Uint8Array.from(atob(base64.trim()), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}
