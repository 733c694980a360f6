// Where in the text of a JSON document each of its values stands, for findings that name a place by JSON pointer.

import { escaped } from "src/forms/schema";
import { t } from "src/texts";

export type Range = { from: number; to: number };
/** Of every value by its pointer; of members the key is included. */
export type Positions = ReadonlyMap<string, Range>;
export class JsonMistake extends Error {
  constructor(
    message: string,
    readonly at: number,
  ) {
    super(message);
  }
}

const SPACE = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must be escaped in JSON
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const OTHER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/**
 * Read a JSON text.
 *
 * @throws JsonMistake where it is none
 */
export function positions(text: string): Positions {
  const reader = new Reader(text);
  reader.value("", 0);
  reader.end();
  return reader.found;
}

/** The place of a pointer; where it names what is not there, that of the nearest part around it. */
export function locate(found: Positions, pointer: string): Range {
  let at = pointer;
  for (;;) {
    const range = found.get(at);
    if (range !== undefined) return range;
    if (at === "") return { from: 0, to: 0 };
    at = at.slice(0, at.lastIndexOf("/"));
  }
}

class Reader {
  readonly found = new Map<string, Range>();
  private at = 0;

  constructor(private readonly text: string) {}

  value(pointer: string, from: number | null): void {
    this.space();
    const start = from ?? this.at;
    const character = this.text[this.at];
    if (character === "{") this.object(pointer);
    else if (character === "[") this.array(pointer);
    else if (character === '"') this.match(STRING, t("json.string"));
    else this.match(OTHER, character === undefined ? t("json.end") : t("json.value"));
    this.found.set(pointer, { from: pointer === "" ? Math.max(0, this.at - 1) : start, to: this.at });
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) this.wrong(t("json.more"));
  }

  private object(pointer: string): void {
    this.at += 1;
    this.space();
    if (this.take("}")) return;
    const seen = new Set<string>();
    for (;;) {
      this.space();
      const from = this.at;
      const key = JSON.parse(this.match(STRING, t("json.name"))) as string;
      if (seen.has(key)) throw new JsonMistake(t("json.twice", { name: key }), from);
      seen.add(key);
      this.space();
      if (!this.take(":")) this.wrong(t("json.colon"));
      this.value(`${pointer}/${escaped(key)}`, from);
      this.space();
      if (this.take("}")) return;
      if (!this.take(",")) this.wrong(t("json.object"));
    }
  }

  private array(pointer: string): void {
    this.at += 1;
    this.space();
    if (this.take("]")) return;
    for (let index = 0; ; index += 1) {
      this.value(`${pointer}/${index}`, null);
      this.space();
      if (this.take("]")) return;
      if (!this.take(",")) this.wrong(t("json.array"));
    }
  }

  private space(): void {
    SPACE.lastIndex = this.at;
    this.at += SPACE.exec(this.text)?.[0].length ?? 0;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private match(expression: RegExp, message: string): string {
    expression.lastIndex = this.at;
    const found = expression.exec(this.text)?.[0];
    if (found === undefined) return this.wrong(message);
    this.at += found.length;
    return found;
  }

  private wrong(message: string): never {
    throw new JsonMistake(message, this.at);
  }
}

export function lineOf(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}
