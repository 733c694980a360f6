import { JsonMistake, lineOf, locate, positions } from "src/definition/positions";
import { describe, expect, it } from "vitest";

const TEXT = `{
  "steps": [
    {"stepId": "a", "next": []},
    {"step~Id/": -1.5e3, "on": true}
  ]
}
`;

function at(pointer: string): string {
  const { from, to } = locate(positions(TEXT), pointer);
  return TEXT.slice(from, to);
}

describe("positions", () => {
  it.each([
    ["/steps/0/stepId", '"stepId": "a"'],
    ["/steps/0/next", '"next": []'],
    ["/steps/1", '{"step~Id/": -1.5e3, "on": true}'],
    ["/steps/1/step~0Id~1", '"step~Id/": -1.5e3'],
  ])("finds %s", (pointer, text) => {
    expect(at(pointer)).toBe(text);
  });

  it("falls back to what is around", () => {
    expect(at("/steps/0/taskId")).toBe('{"stepId": "a", "next": []}');
    expect(at("/missing")).toBe("}");
  });

  it("knows the line", () => {
    expect(lineOf(TEXT, locate(positions(TEXT), "/steps/1/on").from)).toBe(4);
  });

  it.each([
    ["", 0, "ends too early"],
    ["{", 1, "name in double quotes"],
    ['{"a" 1}', 5, "colon"],
    ['{"a": 1,}', 8, "name in double quotes"],
    ['{"a": 1 "b": 2}', 8, "comma"],
    ['{"a": nope}', 6, "value"],
    ['{"a": "x\ny"}', 6, "Unterminated string"],
    ['{"a": 1, "a": 2}', 9, "twice"],
    ["[1 2]", 3, "comma"],
    ["{} x", 3, "Unexpected text"],
    ["[01]", 2, "comma"],
  ])("says what is wrong with %j", (text, place, words) => {
    try {
      positions(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(JsonMistake);
      expect((error as JsonMistake).message).toContain(words);
      expect((error as JsonMistake).at).toBe(place);
    }
  });
});
