/** A new random key, for what the server is to take only once. */
export function newKey(): string {
  // randomUUID is only there on pages that were served securely.
  const numbers = crypto.getRandomValues(new Uint32Array(4));
  return [...numbers].map((each) => each.toString(16).padStart(8, "0")).join("");
}
