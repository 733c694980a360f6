// The texts are there in every language, and nowhere else.

import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { act, screen } from "@testing-library/react";
import { framed } from "src/shell/frame";
import { show } from "src/testing/render";
import { conjunction, eventName, language, nameOf, statusName, TEXTS, t } from "src/texts";
import ts from "typescript";
import { afterEach, describe, expect, test } from "vitest";

type Nested = { [name: string]: string | Nested };

function flat(texts: Nested, before = ""): Map<string, string> {
  return new Map(
    Object.entries(texts).flatMap(([name, each]) =>
      typeof each === "string" ? [[`${before}${name}`, each] as const] : [...flat(each, `${before}${name}.`)],
    ),
  );
}

const en = flat(TEXTS.en);
const others = Object.entries(TEXTS).filter(([name]) => name !== "en");
const placeholders = (text: string | undefined) =>
  [...(text ?? "").matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name);

describe.each(others)("the texts in %s", (_, texts) => {
  const found = flat(texts);

  test("are those in English, with the same names", () => {
    expect([...found.keys()]).toEqual([...en.keys()]);
  });

  test("have the same placeholders", () => {
    for (const [key, text] of en)
      expect([key, placeholders(found.get(key)).sort()]).toEqual([key, placeholders(text).sort()]);
  });

  test("are not empty, and have no spaces around them", () => {
    for (const text of found.values()) expect(text).toMatch(/^\S(?:.*\S)?$/s);
  });
});

const SOURCES = resolve(import.meta.dirname, "..");
const FILES = (readdirSync(SOURCES, { recursive: true }) as string[]).filter(
  (file) => /\.tsx?$/.test(file) && !/\.test\.|\.gen\.|^testing/.test(file),
);
const sourceOf = (file: string) => readFileSync(resolve(SOURCES, file), "utf8");

test("every text is used", () => {
  const code = FILES.map(sourceOf).join("\n");
  const families = [...code.matchAll(/\bt\(`([\w.]+)\.\$\{|nameOf\("([\w.]+)"/g)].map(
    ([, template, family]) => `${template ?? family}.`,
  );
  const unused = [...en.keys()]
    .map((key) => key.replace(/_(?:one|other)$/, ""))
    .filter((key) => !code.includes(`"${key}"`) && !families.some((family) => key.startsWith(family)));
  expect(families).toContain("status.");
  expect(unused).toEqual([]);
});

/** Attributes and properties whose values people read. */
const READ = new Set([
  "title",
  "label",
  "aria-label",
  "placeholder",
  "alt",
  "help",
  "text",
  "heading",
  "confirm",
  "dismiss",
  "words",
]);

/** The literal texts of a source file that people would read. */
function literals(name: string, text: string): string[] {
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const visit = (node: ts.Node, read: boolean): void => {
    if (ts.isImportDeclaration(node) || ts.isTypeNode(node)) return;
    // What is for the console, and the sample of a document, is not shown as a text.
    if (ts.isCallExpression(node) && /^(?:console\.\w+|JSON\.stringify)$/.test(node.expression.getText()))
      return;
    if (ts.isNewExpression(node) && node.expression.getText() === "TypeError") return;
    if (ts.isJsxElement(node) && /^(?:code|Code)$/.test(node.openingElement.tagName.getText())) return;
    if (ts.isJsxText(node)) {
      if (/\p{L}{2}/u.test(node.text)) found.push(node.text.trim());
      return;
    }
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const written = ts.isStringLiteralLike(node)
        ? node.text
        : node
            .getText()
            .slice(1, -1)
            .replace(/\$\{[^}]*\}/g, "…");
      const sentence =
        /^\W*\p{Lu}\p{L}*[,:]? [\p{L}…]/u.test(written) ||
        (/\p{L}{3} /u.test(written) && /\.$/.test(written));
      if ((sentence || (read && /\p{L}{2}/u.test(written))) && !isKey(written)) found.push(written);
    }
    const named = ts.isJsxAttribute(node) || ts.isPropertyAssignment(node) ? node.name.getText() : null;
    const isCall =
      ts.isCallExpression(node) || ts.isElementAccessExpression(node) || ts.isConditionalExpression(node);
    ts.forEachChild(node, (child) => visit(child, named === null ? read && !isCall : READ.has(named)));
  };
  visit(source, false);
  return found;
}

function isKey(text: string): boolean {
  return en.has(text) || en.has(`${text}_other`);
}

test.each(FILES)("%s holds no literal text", (file) => {
  expect(literals(file, sourceOf(file))).toEqual([]);
});

test.each([
  ["<b>Hello</b>", "Hello"],
  ['<Input aria-label="Name" />', "Name"],
  ['<Empty title={none ? "Nothing here" : "No match here"} />', "Nothing here"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a sample of code
  ["const title = `Remove ${name} now`;", "Remove … now"],
  ['const about = { title: "Retry" };', "Retry"],
  ['throw new Error("It could not be loaded")', "It could not be loaded"],
])("a literal text in %s is found", (code, text) => {
  expect(literals("sample.tsx", code).join("|")).toContain(text);
});

describe("the language", () => {
  afterEach(async () => {
    await choose("en");
    localStorage.clear();
  });

  async function choose(name: string): Promise<void> {
    localStorage.setItem("i18nextLng", name);
    await act(async () => {
      document.documentElement.lang = name;
      await new Promise((done) => setTimeout(done, 0));
    });
  }

  test("is Airflow's, and what is shown changes with it", async () => {
    const Page = framed("Sample", () => <p>{t("tasks.none")}</p>);
    show(<Page />);
    expect(await screen.findByText("No open tasks")).toBeTruthy();
    await choose("de-AT");
    expect(screen.getByText("Keine offenen Aufgaben").closest("[lang]")?.getAttribute("lang")).toBe("de");
    expect([language(), statusName("failed"), conjunction(["a", "b"])]).toEqual([
      "de-AT",
      "fehlgeschlagen",
      "a und b",
    ]);
  });

  test("is English where Airflow's has no texts", async () => {
    await choose("fr");
    expect([language(), t("tasks.none")]).toEqual(["en", "No open tasks"]);
  });
});

test.each(["{{user}}", "$t(tasks.none)", "<b>x</b>", "__proto__", "a.b:c", "&amp;"])(
  "%s from outside is shown as it is",
  (hostile) => {
    expect(t("task.reassigned", { user: hostile })).toBe(`Reassigned to ${hostile}`);
    expect([statusName(hostile), eventName(hostile)]).toEqual([hostile, hostile]);
    expect(nameOf("task.option", hostile)).toBe(hostile);
  },
);

test("numbers choose between the forms of a text", () => {
  expect([0, 1, 2].map((count) => t("editor.errors", { count }))).toEqual([
    "0 errors",
    "1 error",
    "2 errors",
  ]);
});
