import { drawn } from "src/workbench/drawing";
import {
  changeStep,
  connect,
  type Draft,
  difference,
  duplicate,
  freeId,
  insertAfter,
  insertFirst,
  reconnect,
  remove,
  rename,
} from "src/workbench/edits";
import { outlineOf, type Place, placeOf, siblings } from "src/workbench/outline";
import { expect, test } from "vitest";

const TEXT = `{
  "version": "1.0.0",  "workflowId": "w",
  "steps": [
    {"stepId": "a", "taskId": "noop", "next": [
      {"nextStepId": "c", "condition": "data.x > 1"}, {"nextStepId": "b"}
    ]},
    {"taskId": "noop", "stepId": "b"},
    {
      "stepId": "c", "taskId": "noop",
      "onFailure": {"action": "continue", "nextStepId": "b"},
      "parallelBranches": [
        {"branchId": "x", "steps": [{"stepId": "d", "taskId": "set", "arguments": {"stepId": "a"}}]},
        {"branchId": "y", "steps": []}
      ]
    }
  ]
}
`;

function place(text: string, stepId: string): Place {
  const found = placeOf(outlineOf(text), stepId);
  if (found === null) throw new TypeError(stepId);
  return found;
}

function ways(text: string, source: string): string[] {
  return drawn(JSON.parse(text))
    .edges.filter((edge) => edge.source === source)
    .map(({ target, kind }) => (kind === "next" ? target : `${kind} ${target}`));
}

/** Of a text the lines that another has too. */
function kept(before: string, after: string): number {
  const lines = new Set(after.split("\n"));
  return before.split("\n").filter((line) => lines.has(line)).length;
}

test("a step is put between another and where that went, and nothing else is touched", () => {
  const after = insertAfter(TEXT, place(TEXT, "a"), { stepId: "n", taskId: "noop" }).result();
  expect(ways(after, "a")).toEqual(["n"]);
  expect(ways(after, "n")).toEqual(["c", "b"]);
  expect(kept(TEXT, after)).toBe(TEXT.split("\n").length - 1);
  const inRow = insertAfter(TEXT, place(TEXT, "d"), { stepId: "n", taskId: "noop" }).result();
  expect(ways(inRow, "d")).toEqual(["n"]);
  expect(ways(inRow, "n")).toEqual(["c.join"]);
});

test("a list that has no step gets its first", () => {
  const list = ["steps", 2, "parallelBranches", 1, "steps"];
  const after = insertFirst(TEXT, list, { stepId: "n", taskId: "noop" }).result();
  expect(ways(after, "c")).toContain("fork n");
  expect(JSON.parse(insertFirst("{}", ["steps"], { stepId: "n" }).result())).toEqual({
    steps: [{ stepId: "n" }],
  });
});

test("of a step that is taken away, those before lead to where it went", () => {
  const after = remove(TEXT, place(TEXT, "b")).result();
  // What is behind it is named before it, so it went nowhere (rule T2).
  expect(ways(after, "a")).toEqual(["c", ".end"]);
  expect(ways(after, "c.join")).toContain("error .end");
  expect(outlineOf(after).places.map(({ stepId }) => stepId)).toEqual(["a", "c", "d"]);
  const last = '{"steps": [{"stepId": "only"}]}';
  expect(remove(last, place(last, "only")).result()).toBe(last);
});

test("a copy has ids of its own, also inside, and the author's arguments", () => {
  const after = duplicate(TEXT, place(TEXT, "c")).result();
  expect(outlineOf(after).places.map(({ stepId }) => stepId)).toEqual(["a", "b", "c", "d", "c2", "d2"]);
  expect(JSON.parse(after).steps[3].parallelBranches[0].steps[0].arguments).toEqual({ stepId: "a" });
});

test("a way is led elsewhere, by its place", () => {
  const after = reconnect(TEXT, place(TEXT, "a"), "a/next/1", "end").result();
  expect(after).toBe(TEXT.replace('{"nextStepId": "b"}', '{"nextStepId": "end"}'));
  expect(ways(reconnect(TEXT, place(TEXT, "b"), "b/next/0", "c").result(), "b")).toEqual(["c"]);
  expect(ways(reconnect(TEXT, place(TEXT, "c"), "c/failure/0", "end").result(), "c.join")).toContain(
    "error .end",
  );
  expect(reconnect(TEXT, place(TEXT, "a"), "a/compensation/0", "end").result()).toBe(TEXT);
});

test("one way more stands before the one without a condition", () => {
  expect(ways(connect(TEXT, place(TEXT, "a"), "end").result(), "a")).toEqual(["c", ".end", "b"]);
  expect(ways(connect(TEXT, place(TEXT, "b"), "a").result(), "b")).toEqual(["a"]);
});

test("another id is told to those that name it", () => {
  const after = rename(TEXT, place(TEXT, "b"), "z").result();
  expect(after).toBe(TEXT.replaceAll('"b"', '"z"'));
});

test("a form changes only the keys that differ", () => {
  const before = { stepId: "b", taskId: "noop" };
  const changed = { ...before, timeout: "PT5M" };
  const after = changeStep(TEXT, place(TEXT, "b"), changed).result();
  expect(after).toContain('    {"taskId": "noop", "stepId": "b", "timeout": "PT5M"},\n');
  expect(JSON.parse(after).steps[1]).toEqual(changed);
  expect(Object.keys(JSON.parse(after).steps[1])).toEqual(["taskId", "stepId", "timeout"]);
  expect(changeStep(TEXT, place(TEXT, "b"), before).result()).toBe(TEXT);
  expect(changeStep(after, place(after, "b"), before).result()).toBe(TEXT);
});

test("the layout of the author is that of what is added", () => {
  const tabs = '{\r\n\t"steps": [\r\n\t\t{"stepId": "a"}\r\n\t]\r\n}';
  const after = insertAfter(tabs, place(tabs, "a"), { stepId: "b" }).result();
  expect(after).toContain('\r\n\t\t{"stepId": "a"},\r\n\t\t{\r\n\t\t\t"stepId": "b"\r\n\t\t}\r\n\t]');
});

/** Numbers that look random and are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Move = (text: string, at: Place, pick: (below: number) => number) => Draft;
const one = <Each>(all: readonly Each[], pick: (below: number) => number) => all[pick(all.length)] as Each;
const targets = (text: string, at: Place) => [...siblings(outlineOf(text), at), "end", "fail"];
const MOVES: Move[] = [
  (text, at) => insertAfter(text, at, { stepId: freeId(outlineOf(text), "step"), taskId: "noop" }),
  (text, at) => duplicate(text, at),
  (text, at) => remove(text, at),
  (text, at) => remove(text, at),
  (text, at, pick) => connect(text, at, one(targets(text, at), pick)),
  (text, at, pick) => reconnect(text, at, `${at.stepId}/next/${pick(2)}`, one(targets(text, at), pick)),
  (text, at, pick) => rename(text, at, freeId(outlineOf(text), `renamed${pick(50)}`)),
  (text, at, pick) => changeStep(text, at, { stepId: at.stepId, taskId: "set", timeout: `PT${pick(60)}M` }),
];

test.each([1, 2, 3, 4])("200 random edits keep text and graph equal, and each is undone (%i)", (seed) => {
  const pick = numbers(seed);
  let text = TEXT;
  for (let count = 0; count < 50; count += 1) {
    const { places } = outlineOf(text);
    const at = one(places, pick);
    const draft = one(MOVES, pick)(text, at, pick);
    const after = draft.result();
    const { from, to, insert } = draft.change();
    // The editor gets to the same text by the one change, and back.
    expect(text.slice(0, from) + insert + text.slice(to)).toBe(after);
    const back = difference(after, text);
    expect(after.slice(0, back.from) + back.insert + after.slice(back.to)).toBe(text);
    const document = JSON.parse(after);
    const outline = outlineOf(after);
    const graph = drawn(document);
    const ids = outline.places.map(({ stepId }) => stepId);
    expect(new Set(ids).size).toBe(ids.length);
    const own = ["step", "parallel", "forEach"];
    expect(graph.nodes.filter(({ kind }) => own.includes(kind)).map(({ id }) => id)).toEqual(ids);
    // Every way that the text has is drawn: none leads to a step that is gone.
    const named = [...after.matchAll(/"nextStepId":\s*"(\w+)"/g)].map(([, id]) => id as string);
    expect(named.filter((id) => !ids.includes(id) && id !== "end" && id !== "fail")).toEqual([]);
    text = after;
  }
  expect(text.startsWith('{\n  "version": "1.0.0",  "workflowId": "w",\n')).toBe(true);
});
