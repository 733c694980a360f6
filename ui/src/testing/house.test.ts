// How the sources are built: nothing imports in a circle.

import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const SOURCES = resolve(import.meta.dirname, "..");
const FILES = (readdirSync(SOURCES, { recursive: true }) as string[])
  .filter((file) => /\.tsx?$/.test(file) && !file.endsWith(".gen.ts"))
  .map((file) => file.replaceAll("\\", "/"));

function importsOf(file: string): string[] {
  const text = readFileSync(resolve(SOURCES, file), "utf8");
  return [...text.matchAll(/from "src\/([^"]+)"/g)].flatMap(([, name]) =>
    [`${name}.ts`, `${name}.tsx`].filter((each) => FILES.includes(each)),
  );
}

test("no file imports itself, directly or through others, not even its types", () => {
  const follow = new Map(FILES.map((file) => [file, importsOf(file)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, trail: readonly string[]): void => {
    if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(" → "));
    if (done.has(file) || trail.includes(file)) return;
    for (const next of follow.get(file) ?? []) visit(next, [...trail, file]);
    done.add(file);
  };
  for (const file of FILES) visit(file, []);
  expect([...follow.values()].flat().length).toBeGreaterThan(100);
  expect(circles).toEqual([]);
});
