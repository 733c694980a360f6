// The execution log of an instance, page by page.

import { useCallback, useEffect, useRef, useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { InstanceView, LogEntry, LogPage } from "src/api/schema.gen";

const PAGE = 200;
const LARGEST = 1000;

/** Rows that are read by themselves for a search. */
const MOST = 20_000;

export type Log = { rows: LogEntry[]; more: boolean; failure: Failure | null; next: () => void };

/**
 * The log from its beginning; what comes later is added.
 *
 * @param level rows of more detailed levels are left out
 * @param everything whether all pages are read, not only the first
 */
export function useLog(view: InstanceView, level: string, everything: boolean): Log {
  const [rows, setRows] = useState<LogEntry[]>([]);
  const [more, setMore] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const last = useRef(0);
  const busy = useRef<AbortController | null>(null);
  const next = useCallback(() => {
    if (busy.current !== null) return;
    const request = new AbortController();
    busy.current = request;
    page(view.id, level, last.current, last.current === 0 ? PAGE : LARGEST, request.signal)
      .then(({ items, next: onward }) => {
        last.current = items.at(-1)?.id ?? last.current;
        setRows((known) => [...known, ...items]);
        setMore(onward !== null);
        setFailure(null);
      })
      .catch((error: unknown) => request.signal.aborted || setFailure(asFailure(error)))
      .finally(() => {
        if (busy.current === request) busy.current = null;
      });
  }, [view.id, level]);
  useEffect(() => {
    last.current = 0;
    setRows([]);
    setMore(false);
    next();
    return () => {
      busy.current?.abort();
      busy.current = null;
    };
  }, [next]);
  const changed = useRef(view.updatedAt);
  useEffect(() => {
    // Whoever has all rows sees the new ones come.
    if (changed.current !== view.updatedAt && !more) next();
    changed.current = view.updatedAt;
  }, [view.updatedAt, more, next]);
  const wanted = everything && more && failure === null && rows.length < MOST;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once more for each page that has come
  useEffect(() => {
    if (!wanted) return undefined;
    // The request of the page that has just come is over in a moment.
    const timer = setTimeout(next, 0);
    return () => clearTimeout(timer);
  }, [wanted, rows.length, next]);
  return { rows, more, failure, next };
}

/** The whole log as a text in JSON. */
export async function wholeLog(instanceId: string, level: string): Promise<string> {
  const rows: LogEntry[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const { items, next }: LogPage = await page(instanceId, level, after, LARGEST);
    rows.push(...items);
    after = next;
  }
  return JSON.stringify(rows, null, 2);
}

function page(
  id: string,
  level: string,
  after: number,
  limit: number,
  signal?: AbortSignal,
): Promise<LogPage> {
  const query = { level, after, limit };
  return call<LogPage>(`/instances/${encodeURIComponent(id)}/log`, { query, signal });
}
