import { readDraft, writeDraft } from "src/definition/drafts";
import { beforeEach, expect, test, vi } from "vitest";

const draft = { text: "new", began: "old", etag: '"1"', at: "2026-01-01T10:00:00Z" };
const soon = Date.parse("2026-01-02T10:00:00Z");

beforeEach(() => localStorage.clear());

test("a draft is found again under its name only", () => {
  writeDraft("order", draft);
  expect(readDraft("order", soon)).toEqual(draft);
  expect(readDraft("payment", soon)).toBeNull();
});

test("a text that was not changed is no draft", () => {
  writeDraft("order", draft);
  writeDraft("order", { ...draft, text: "old" });
  expect(readDraft("order", soon)).toBeNull();
});

test("a draft of last year is not offered", () => {
  writeDraft("order", draft);
  expect(readDraft("order", Date.parse("2027-01-01T10:00:00Z"))).toBeNull();
});

test.each(["{", "null", "[]", '{"text": 1}', '{"text": "a", "began": "b", "at": "yesterday"}'])(
  "%s in the storage is no draft",
  (kept) => {
    localStorage.setItem("workflows-draft:order", kept);
    expect(readDraft("order", soon)).toBeNull();
  },
);

test("a browser that keeps nothing does not stop anybody", () => {
  const full = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
    throw new DOMException("full", "QuotaExceededError");
  });
  expect(() => writeDraft("order", draft)).not.toThrow();
  full.mockRestore();
});
