// JSON text in pieces to be coloured.

export type Piece = { kind: "key" | "string" | "other" | "plain"; text: string; from: number };

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b/g;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let end = 0;
  const add = (kind: Piece["kind"], part: string, from: number) => {
    if (part !== "") found.push({ kind, text: part, from });
  };
  for (const match of text.matchAll(TOKEN)) {
    add("plain", text.slice(end, match.index), end);
    const [whole, quoted, colon] = match;
    if (quoted === undefined) add("other", whole, match.index);
    else add(colon === undefined ? "string" : "key", quoted, match.index);
    end = match.index + (quoted?.length ?? whole.length);
  }
  add("plain", text.slice(end), end);
  return found;
}
