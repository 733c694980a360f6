// A server for tests: what fetch answers, in order.

import { vi } from "vitest";

export type Sent = { url: URL; method: string; headers: Headers; body: unknown };

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(status === 304 ? null : JSON.stringify(body), { status, headers });
}

/** Answer requests one after the other, the last answer for all that follow; an Error is a network that fails. */
export function answering(...answers: (Response | Error | ((sent: Sent) => Response))[]): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    const request = {
      url: new URL(url),
      method: init.method ?? "GET",
      headers: new Headers(init.headers),
      body: typeof init.body === "string" ? JSON.parse(init.body) : undefined,
    };
    sent.push(request);
    const answer = answers[Math.min(sent.length, answers.length) - 1];
    if (answer instanceof Error) throw answer;
    if (typeof answer === "function") return answer(request);
    return answer?.clone();
  });
  return sent;
}
