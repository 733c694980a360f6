// Data that stays fresh: asked for again as long as the page is looked at, and calm while the server is away.

import { useCallback, useEffect, useRef, useState } from "react";
import { asFailure, type Failure, type Query, send } from "src/api/client";

export type Live<T> = {
  /** The newest answer; it stays while newer requests fail. */
  data: T | null;
  etag: string | null;
  /** Why the newest request failed; null again as soon as one succeeds. */
  failure: Failure | null;
  /** Whether nothing is known yet. */
  loading: boolean;
  /** When `data` was last known to be true, in milliseconds. */
  at: number | null;
  refresh: () => void;
};

export type LiveOptions = {
  query?: Query;
  /** Milliseconds between two requests, at least 1000; null asks once. */
  every?: number | null;
  /** Nothing is asked while this is false. */
  enabled?: boolean;
};

const LONGEST = 30_000;

/** How long to wait before the next request: the usual time, and longer with each failure in a row. */
export function delayAfter(failures: number, every: number, retryAfter: number | null): number {
  if (failures === 0) return every;
  const backoff = Math.min(LONGEST, Math.max(every, 1000 * 2 ** failures));
  return Math.max(backoff, (retryAfter ?? 0) * 1000);
}

/**
 * Ask for a path of our API, again and again.
 *
 * @param path null asks for nothing
 */
export function useLive<T>(path: string | null, options: LiveOptions = {}): Live<T> {
  const { every = null, enabled = true } = options;
  const queryKey = JSON.stringify(options.query ?? {});
  const key = path === null || !enabled ? null : `${path}?${queryKey}`;
  const [state, setState] = useState<{ key: string | null; known: Omit<Live<T>, "refresh"> }>({
    key: null,
    known: unknown(),
  });
  const wake = useRef<() => void>(() => undefined);
  // Asking more or less often is no reason to forget what is known.
  const pace = useRef(every);
  pace.current = every;

  useEffect(() => {
    if (key === null || path === null) return undefined;
    const poller = new Poller<T>(path, JSON.parse(queryKey) as Query, pace, (known) =>
      setState({ key, known }),
    );
    wake.current = poller.wake;
    const visible = () => {
      if (!document.hidden) poller.wake();
    };
    document.addEventListener("visibilitychange", visible);
    poller.wake();
    return () => {
      document.removeEventListener("visibilitychange", visible);
      poller.stop();
    };
  }, [key, path, queryKey]);

  const refresh = useCallback(() => wake.current(), []);
  // What belongs to another address is not shown for this one.
  const known = state.key === key ? state.known : unknown<T>();
  return { ...known, loading: known.loading && key !== null, refresh };
}

function unknown<T>(): Omit<Live<T>, "refresh"> {
  return { data: null, etag: null, failure: null, loading: true, at: null };
}

class Poller<T> {
  private known: Omit<Live<T>, "refresh"> = unknown<T>();
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | null = null;
  private stopped = false;

  constructor(
    private readonly path: string,
    private readonly query: Query,
    private readonly pace: { readonly current: number | null },
    private readonly tell: (known: Omit<Live<T>, "refresh">) => void,
  ) {}

  /** Ask now, unless a request is under way. */
  readonly wake = (): void => {
    if (this.stopped || this.request !== null) return;
    clearTimeout(this.timer);
    void this.ask();
  };

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.request?.abort();
  }

  private async ask(): Promise<void> {
    this.request = new AbortController();
    const headers: Record<string, string> = {};
    if (this.known.etag !== null) headers["If-None-Match"] = this.known.etag;
    try {
      const answer = await send<T>(this.path, { query: this.query, headers, signal: this.request.signal });
      const data = answer.status === 304 ? this.known.data : answer.data;
      this.failures = 0;
      this.settle(
        { data, etag: answer.etag ?? this.known.etag, failure: null, loading: false, at: Date.now() },
        null,
      );
    } catch (error) {
      if (this.stopped) return;
      const failure = asFailure(error);
      this.failures += 1;
      this.settle({ ...this.known, failure, loading: false }, failure);
    }
  }

  private settle(known: Omit<Live<T>, "refresh">, failure: Failure | null): void {
    this.request = null;
    if (this.stopped) return;
    this.known = known;
    this.tell(known);
    // What is not there or not permitted will not be there in a second either.
    const again = failure === null ? this.pace.current !== null : failure.passing;
    if (!again) return;
    const every = Math.max(1000, this.pace.current ?? 2000);
    this.timer = setTimeout(
      () => {
        // A hidden page asks nothing; it asks at once when it is shown again.
        if (!document.hidden) void this.ask();
      },
      delayAfter(this.failures, every, failure?.retryAfter ?? null),
    );
  }
}
