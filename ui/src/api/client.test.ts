import { apiUrl, call, Failure, send } from "src/api/client";
import { answering, json } from "src/testing/answers";
import { describe, expect, it } from "vitest";

async function refused(promise: Promise<unknown>): Promise<Failure> {
  const found = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(found).toBeInstanceOf(Failure);
  return found as Failure;
}

describe("addresses", () => {
  it("are below the path of Airflow", () => {
    expect(apiUrl("/definitions")).toBe("http://airflow.test/prefix/workflows/api/v1/definitions");
  });

  it("leave out what is not given and repeat lists", () => {
    const url = apiUrl("/instances", {
      status: ["running", "failed"],
      after: null,
      workflowId: "",
      limit: 0,
    });
    expect(new URL(url).search).toBe("?status=running&status=failed&limit=0");
  });
});

describe("requests", () => {
  it("say what wants to write, so that no other site can", async () => {
    const sent = answering(json({}));
    await call("/x");
    await call("/x", { method: "POST", body: { a: 1 } });
    expect(sent.map((each) => each.headers.get("X-Requested-With"))).toEqual([null, "XMLHttpRequest"]);
    expect(sent[1]?.headers.get("Content-Type")).toBe("application/json");
    expect(sent[1]?.body).toEqual({ a: 1 });
  });

  it("give the tag of what they read", async () => {
    answering(json({ a: 1 }, 200, { ETag: '"7"' }));
    expect(await send("/x")).toMatchObject({ data: { a: 1 }, etag: '"7"', status: 200 });
  });

  it("tell problems in the server's words", async () => {
    const finding = { code: "WF1", severity: "error", pointer: "/steps", message: "no", suggestion: null };
    answering(json({ code: "invalid", detail: "Bad", diagnostics: [finding] }, 422));
    const failure = await refused(call("/x"));
    expect([failure.status, failure.code, failure.detail]).toEqual([422, "invalid", "Bad"]);
    expect(failure.findings).toEqual([finding]);
    expect(failure.passing).toBe(false);
  });

  it("know what passes, and when to ask again", async () => {
    answering(json({ code: "store-unavailable", detail: "away" }, 503, { "Retry-After": "5" }));
    const failure = await refused(call("/x"));
    expect([failure.passing, failure.retryAfter]).toEqual([true, 5]);
  });

  it.each([
    ["a proxy's page", new Response("<html>bad gateway</html>", { status: 502 }), 502, true],
    ["no network", new TypeError("failed to fetch"), 0, true],
    ["a success that is no JSON", new Response("<html></html>", { status: 200 }), 200, false],
    ["a session that ended", json({ detail: "signed out" }, 401), 401, false],
  ])("stay calm about %s", async (_, answer, status, passing) => {
    answering(answer);
    const failure = await refused(call("/x"));
    expect([failure.status, failure.passing, failure.signedOut]).toEqual([status, passing, status === 401]);
    expect(failure.detail).not.toContain("<html");
  });
});
