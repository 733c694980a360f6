import { pieces } from "src/definition/pieces";
import { written } from "src/definition/written";
import { describe, expect, it } from "vitest";

describe("written", () => {
  it("puts first what is read first, and leaves alone what is the author's", () => {
    const document = {
      steps: [{ taskId: "set", stepId: "a", arguments: { version: 1, name: 2 } }],
      name: "n",
      workflowId: "w",
    };
    const text = written(document);
    expect(JSON.parse(text)).toEqual(document);
    expect(text.indexOf("workflowId")).toBeLessThan(text.indexOf('"steps"'));
    expect(text.indexOf("stepId")).toBeLessThan(text.indexOf("taskId"));
    expect(text.indexOf('"version": 1')).toBeLessThan(text.indexOf('"name": 2'));
  });
});

describe("pieces", () => {
  it("loses no character and knows names from values", () => {
    const text = '{"a\\"b": "c: d", "n": [1.5e2, true, null]}';
    const found = pieces(text);
    expect(found.map((each) => each.text).join("")).toBe(text);
    expect(found.filter((each) => each.kind === "key").map((each) => each.text)).toEqual(['"a\\"b"', '"n"']);
    expect(found.filter((each) => each.kind === "other").map((each) => each.text)).toEqual([
      "1.5e2",
      "true",
      "null",
    ]);
  });
});
