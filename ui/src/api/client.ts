// Requests to our API: same origin, Airflow's own sign-in, problem documents as exceptions.

import type { Finding } from "src/api/schema.gen";
import { t } from "src/texts";

/** Where Airflow is served, which need not be the root of the host. */
export function airflowUrl(path: string): string {
  return new URL(path.replace(/^\//, ""), document.baseURI).href;
}

export function apiUrl(path: string, query: Query = {}): string {
  const url = new URL(airflowUrl(`workflows/api/v1${path}`));
  for (const [name, value] of Object.entries(query)) {
    // An empty text says nothing; one in a list is meant.
    if (value === undefined || value === null || value === "") continue;
    for (const each of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(each));
  }
  return url.href;
}

export type Query = Record<
  string,
  string | number | boolean | null | undefined | readonly (string | number)[]
>;

export type Options = {
  method?: "GET" | "POST" | "PUT";
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

export type Answer<T> = { data: T; etag: string | null; status: number; headers: Headers };

/** What went wrong with a request, in words that can be shown. `status` 0: no answer came at all. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly findings: readonly Finding[] = [],
    readonly suggestion: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
    this.name = "Failure";
  }

  /** Whether the same request may work a little later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 503 || this.status === 502 || this.status === 504;
  }

  get signedOut(): boolean {
    return this.status === 401;
  }

  get missing(): boolean {
    return this.status === 404;
  }
}

/**
 * Send a request and read its JSON answer.
 *
 * @throws Failure for every answer that is no success, and when there is none
 * @throws DOMException "AbortError" when `signal` ended it
 */
export async function send<T>(path: string, options: Options = {}): Promise<Answer<T>> {
  const method = options.method ?? "GET";
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  // A write that is authenticated by Airflow's cookie is refused without it.
  if (method !== "GET") {
    headers["X-Requested-With"] = "XMLHttpRequest";
    headers["X-Workflows-Client"] = "ui";
  }
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = typeof options.body === "string" ? options.body : JSON.stringify(options.body);
  }
  let response: Response;
  try {
    response = await fetch(apiUrl(path, options.query), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failure(0, "unreachable", t("failure.unreachableText"));
  }
  if (!response.ok && response.status !== 304) throw await failure(response);
  return {
    data: (response.status === 304 || response.status === 204 ? null : await parsed(response)) as T,
    etag: response.headers.get("ETag"),
    status: response.status,
    headers: response.headers,
  };
}

/** Like `send`, for callers that want nothing but the answer's content. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  return (await send<T>(path, options)).data;
}

async function parsed(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    throw new Failure(response.status, "bad-answer", t("failure.unreadable"));
  }
}

async function failure(response: Response): Promise<Failure> {
  const seconds = Number(response.headers.get("Retry-After"));
  const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : null;
  let problem: Record<string, unknown> = {};
  try {
    const found: unknown = await response.json();
    if (typeof found === "object" && found !== null) problem = found as Record<string, unknown>;
  } catch {
    // A proxy's page or nothing at all: the status has to do.
  }
  const text = (name: string) => (typeof problem[name] === "string" ? (problem[name] as string) : null);
  const findings = Array.isArray(problem.diagnostics) ? (problem.diagnostics as Finding[]) : [];
  return new Failure(
    response.status,
    text("code") ?? `http-${response.status}`,
    text("detail") ?? text("title") ?? t("failure.status", { status: response.status }),
    findings,
    text("suggestion"),
    retryAfter,
  );
}

/** Whatever was thrown, as a Failure. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(-1, "unexpected", error instanceof Error ? error.message : String(error));
}
