// Patterns that a browser may run while somebody types. Its engine tries all ways, which can take for ever; what may take
// long is left to the server, which checks everything in a bounded time.

const MOST_STEPS = 10_000_000;
const TOKEN =
  /\\(?:[pPu]\{[^}]*\}|.)|\[(?:\\.|[^\]\\])*\]|\(\?(?:[:=!]|<[=!]?)|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S]/gu;

/** Whether a text matches a pattern, which JSON Schema reads as browsers do; null where this browser does not tell. */
export function matches(pattern: string, value: string): boolean | null {
  if (steps(pattern, value.length) > MOST_STEPS) return null;
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return null;
  }
}

/** A bound on the steps of a search: the ways in which parts can share the text. Infinite where ways are in loops. */
export function steps(pattern: string, length: number): number {
  let found = pattern.startsWith("^") && !pattern.includes("|") ? 1 : length + 1;
  let before = "";
  for (const [token] of pattern.matchAll(TOKEN)) {
    if (/^\(\?(?:=|!|<=|<!)$/.test(token) || /^\\[1-9k]$/.test(token)) return Number.POSITIVE_INFINITY;
    if (token === "|") found *= 2;
    const ways = waysOf(token, length);
    if (ways > 1) {
      if (before === ")" && !token.startsWith("?")) return Number.POSITIVE_INFINITY;
      found *= ways;
    } else if (before === ")" && token.startsWith("{") && token.length > 1) {
      return Number.POSITIVE_INFINITY;
    }
    before = token;
  }
  return found * (pattern.length + 1);
}

function waysOf(token: string, length: number): number {
  if (/^[*+]/.test(token)) return length + 1;
  if (/^\?/.test(token)) return 2;
  const count = /^\{(\d+)(,?)(\d*)\}/.exec(token);
  if (count === null || count[2] === "") return 1;
  const most = count[3] === "" ? length : Math.min(Number(count[3]), length);
  return Math.max(most - Number(count[1]) + 1, 1);
}
