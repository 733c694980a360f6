// The fixes that the server knows for findings, as changes of the text.

import type { Finding, SuggestedFix } from "src/api/schema.gen";
import type { Positions } from "src/definition/positions";
import type { Fix } from "src/editor/types";
import { t } from "src/texts";

const STRING = /"(?:[^"\\]|\\.)*"/y;

/** The fix of a finding; null where it has none, or several. */
export function fixOf(
  finding: Finding,
  fixes: readonly SuggestedFix[],
  places: Positions,
  text: string,
): Fix | null {
  const found = fixes.find(({ pointer }) => pointer === finding.pointer);
  const place = places.get(finding.pointer);
  if (found === undefined || place === undefined) return null;
  const from = found.part === "key" ? place.from : valueFrom(text, place.from, place.to);
  STRING.lastIndex = from;
  const written = STRING.exec(text)?.[0];
  if (written === undefined) return null;
  const change = { from, to: from + written.length, insert: JSON.stringify(found.name) };
  return { title: t("editor.fix", { name: found.name }), change };
}

/** Where the value of a member begins; of an item, which has no name, where it itself does. */
function valueFrom(text: string, from: number, to: number): number {
  STRING.lastIndex = from;
  const key = STRING.exec(text)?.[0] ?? "";
  const colon = /^\s*:\s*/.exec(text.slice(from + key.length, to))?.[0];
  return colon === undefined ? from : from + key.length + colon.length;
}
