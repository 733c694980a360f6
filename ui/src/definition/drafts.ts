// What somebody typed and has not published yet, kept in this browser.

import { useEffect, useRef, useState } from "react";

/** `began` is the text and `etag` the version that the change was made to. */
export type Draft = { text: string; began: string; etag: string | null; at: string };

const PREFIX = "workflows-draft:";
const PAUSE = 300;
const OLDEST = 30 * 86_400_000;

/** The draft of this name; null where there is none, it is too old, or the browser keeps nothing. */
export function readDraft(name: string, now = Date.now()): Draft | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(PREFIX + name) ?? "null");
    if (typeof found !== "object" || found === null) return null;
    const { text, began, etag, at } = found as Record<string, unknown>;
    if (typeof text !== "string" || typeof began !== "string" || typeof at !== "string") return null;
    if (!(now - Date.parse(at) < OLDEST)) return null;
    return { text, began, etag: typeof etag === "string" ? etag : null, at };
  } catch {
    return null;
  }
}

/** Keep a draft, or forget it where nothing was changed. A browser that keeps nothing is no reason to fail. */
export function writeDraft(name: string, draft: Draft): void {
  try {
    if (draft.text === draft.began) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(draft));
  } catch {
    // Storage may be full or forbidden.
  }
}

/**
 * The draft of this name, kept while its text changes.
 *
 * @param published what editing begins with where there is no draft
 */
export function useDraft(name: string, published: { text: string; etag: string | null }) {
  const [restored, setRestored] = useState(() => readDraft(name));
  const [draft, setDraft] = useState<Draft>(
    () => restored ?? { text: published.text, began: published.text, etag: published.etag, at: "" },
  );
  const latest = useRef(draft);
  latest.current = draft;
  useEffect(() => {
    const timer = setTimeout(() => writeDraft(name, draft), PAUSE);
    return () => clearTimeout(timer);
  }, [name, draft]);
  useEffect(() => {
    const keep = () => writeDraft(name, latest.current);
    window.addEventListener("pagehide", keep);
    return () => {
      window.removeEventListener("pagehide", keep);
      keep();
    };
  }, [name]);
  return {
    draft,
    /** When the draft that was found had been written; null where there was none. */
    restoredAt: restored?.at ?? null,
    change: (text: string) => setDraft((known) => ({ ...known, text, at: new Date().toISOString() })),
    /** Begin anew from a text that is published. */
    reset: (text: string, etag: string | null) => {
      setRestored(null);
      setDraft({ text, began: text, etag, at: "" });
    },
  };
}
