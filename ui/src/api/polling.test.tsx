import { act, renderHook } from "@testing-library/react";
import { delayAfter, useLive } from "src/api/polling";
import { answering, json } from "src/testing/answers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  hide(false);
});

async function passed(milliseconds: number): Promise<void> {
  await act(async () => {
    await vi.advanceTimersByTimeAsync(milliseconds);
  });
}

function hide(hidden: boolean): void {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

describe("useLive", () => {
  it("asks again and again, and never more than once a second", async () => {
    const sent = answering(json({ n: 1 }), json({ n: 2 }));
    const { result } = renderHook(() => useLive<{ n: number }>("/x", { every: 10 }));
    expect(result.current.loading).toBe(true);
    await passed(0);
    expect(result.current.data).toEqual({ n: 1 });
    await passed(900);
    expect(sent).toHaveLength(1);
    await passed(200);
    expect(result.current.data).toEqual({ n: 2 });
  });

  it("asks once where nothing is said about how often", async () => {
    const sent = answering(json({}));
    renderHook(() => useLive("/x"));
    await passed(60_000);
    expect(sent).toHaveLength(1);
  });

  it("keeps what it knew while the server is away, and asks less and less often", async () => {
    const sent = answering(json({ n: 1 }), new TypeError("away"), new TypeError("away"), json({ n: 2 }));
    const { result } = renderHook(() => useLive<{ n: number }>("/x", { every: 1000 }));
    await passed(1000);
    expect(result.current.failure?.status).toBe(0);
    expect(result.current.data).toEqual({ n: 1 });
    await passed(1900);
    expect(sent).toHaveLength(2);
    await passed(200);
    expect(sent).toHaveLength(3);
    await passed(4000);
    expect(result.current.failure).toBeNull();
    expect(result.current.data).toEqual({ n: 2 });
  });

  it("does not ask again for what is not there", async () => {
    const sent = answering(json({ detail: "no" }, 404));
    const { result } = renderHook(() => useLive("/x", { every: 1000 }));
    await passed(10_000);
    expect(sent).toHaveLength(1);
    expect(result.current.failure?.missing).toBe(true);
    await act(async () => {
      result.current.refresh();
      await vi.advanceTimersByTimeAsync(0);
    });
    expect(sent).toHaveLength(2);
  });

  it("sends the tag along and keeps the data when nothing changed", async () => {
    const sent = answering(json({ n: 1 }, 200, { ETag: '"a"' }), json(null, 304));
    const { result } = renderHook(() => useLive<{ n: number }>("/x", { every: 1000 }));
    await passed(1500);
    expect(sent[1]?.headers.get("If-None-Match")).toBe('"a"');
    expect(result.current.data).toEqual({ n: 1 });
    expect(result.current.etag).toBe('"a"');
  });

  it("asks nothing while the page is hidden, and at once when it is shown again", async () => {
    const sent = answering(json({}));
    renderHook(() => useLive("/x", { every: 1000 }));
    await passed(0);
    hide(true);
    await passed(10_000);
    expect(sent).toHaveLength(1);
    hide(false);
    await passed(0);
    expect(sent).toHaveLength(2);
  });

  it("shows nothing of one address for another", async () => {
    answering(json({ n: 1 }), json({ n: 2 }));
    const { result, rerender } = renderHook(({ path }) => useLive<{ n: number }>(path), {
      initialProps: { path: "/a" },
    });
    await passed(0);
    rerender({ path: "/b" });
    expect(result.current.data).toBeNull();
    await passed(0);
    expect(result.current.data).toEqual({ n: 2 });
  });

  it("asks for nothing without an address", async () => {
    const sent = answering(json({}));
    const { result } = renderHook(() => useLive(null));
    await passed(1000);
    expect(sent).toHaveLength(0);
    expect(result.current.loading).toBe(false);
  });
});

describe("delayAfter", () => {
  it("grows to half a minute and honours the server's wish", () => {
    expect([0, 1, 2, 3, 9].map((failures) => delayAfter(failures, 1000, null))).toEqual([
      1000, 2000, 4000, 8000, 30_000,
    ]);
    expect(delayAfter(1, 1000, 60)).toBe(60_000);
  });
});
