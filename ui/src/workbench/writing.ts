// One value of a JSON text is set, put in, or taken away; everything else stays as its author has laid it out. What is
// added is laid out like what is beside it: on the same line, or on lines of its own.

import { findNodeAtLocation, type JSONPath, type Node, parseTree } from "jsonc-parser";

type Layout = { unit: string; eol: string };

/** Set the value at a path; undefined takes it away, with its name. What is missing on the way is made. */
export function withValue(text: string, path: JSONPath, value: unknown): string {
  const root = parseTree(text);
  const found = root && findNodeAtLocation(root, path);
  if (found !== undefined) {
    if (value === undefined)
      return withoutNode(text, found.parent?.type === "property" ? found.parent : found);
    return replaced(text, found.offset, found.length, writtenFor(text, found, value));
  }
  if (value === undefined || root === undefined) return text;
  const [last] = path.slice(-1);
  const holder = findNodeAtLocation(root, path.slice(0, -1));
  if (last === undefined) return text;
  if (holder === undefined || (holder.type !== "object" && holder.type !== "array"))
    return withValue(text, path.slice(0, -1), typeof last === "number" ? [value] : { [last]: value });
  return withMember(
    text,
    holder,
    holder.children?.length ?? 0,
    value,
    typeof last === "string" ? last : null,
  );
}

/** Put a value into an array, before the one that is at the path. */
export function withItem(text: string, path: JSONPath, value: unknown): string {
  const root = parseTree(text);
  const holder = root && findNodeAtLocation(root, path.slice(0, -1));
  const position = path.at(-1);
  if (holder?.type !== "array" || typeof position !== "number") return text;
  return withMember(text, holder, position, value, null);
}

function withMember(
  text: string,
  holder: Node,
  position: number,
  value: unknown,
  name: string | null,
): string {
  const layout = layoutOf(text);
  const children = holder.children ?? [];
  const inline = !text.includes("\n") || (children.length > 0 && !textOf(text, holder).includes("\n"));
  const around = indentAt(text, holder.offset);
  const [first] = children;
  const indent =
    first !== undefined && startsLine(text, first.offset)
      ? indentAt(text, first.offset)
      : around + layout.unit;
  const key = name === null ? "" : `${JSON.stringify(name)}: `;
  const member = key + (inline ? onOneLine(value) : onLines(value, layout, indent));
  const between = inline ? " " : layout.eol + indent;
  const [before, next] = [children[position - 1] ?? children.at(-1), children[position]];
  if (next !== undefined) return replaced(text, next.offset, 0, `${member},${between}`);
  if (before !== undefined) return replaced(text, before.offset + before.length, 0, `,${between}${member}`);
  const whole = inline ? member : `${between}${member}${layout.eol}${around}`;
  return replaced(text, holder.offset + 1, holder.length - 2, whole);
}

function withoutNode(text: string, node: Node): string {
  const siblings = node.parent?.children ?? [];
  const index = siblings.indexOf(node);
  const [before, next] = [siblings[index - 1], siblings[index + 1]];
  if (before !== undefined) {
    const from = before.offset + before.length;
    return replaced(text, from, node.offset + node.length - from, "");
  }
  if (next !== undefined) return replaced(text, node.offset, next.offset - node.offset, "");
  const holder = node.parent;
  return holder === undefined ? text : replaced(text, holder.offset + 1, holder.length - 2, "");
}

/** A value as it stands in the place of another one. */
function writtenFor(text: string, node: Node, value: unknown): string {
  const inline = !textOf(text, node).includes("\n") && (node.type === "object" || node.type === "array");
  const short = inline && (node.children?.length ?? 0) > 0;
  return short || !text.includes("\n")
    ? onOneLine(value)
    : onLines(value, layoutOf(text), indentAt(text, node.offset));
}

function onOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}: ${onOneLine(each)}`).join(", ")}}`;
}

function onLines(value: unknown, { unit, eol }: Layout, indent: string): string {
  return JSON.stringify(value, null, unit).replaceAll("\n", eol + indent);
}

function layoutOf(text: string): Layout {
  return { unit: /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ", eol: text.includes("\r\n") ? "\r\n" : "\n" };
}

/** The indentation of the line that a place is on. */
function indentAt(text: string, offset: number): string {
  const line = text.lastIndexOf("\n", offset - 1) + 1;
  return /^[ \t]*/.exec(text.slice(line, offset))?.[0] ?? "";
}

function startsLine(text: string, offset: number): boolean {
  return text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset).trim() === "";
}

function textOf(text: string, { offset, length }: Node): string {
  return text.slice(offset, offset + length);
}

function replaced(text: string, from: number, length: number, insert: string): string {
  return text.slice(0, from) + insert + text.slice(from + length);
}
