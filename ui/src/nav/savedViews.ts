// Named filters of the list of instances, kept in this browser for each user.

import { useCallback, useSyncExternalStore } from "react";

/** A name, and the filter as it stands in the address. */
export type SavedView = { name: string; address: string };

export const MAX_NAME = 100;
const PREFIX = "workflows-views:";
const CHANGED = "workflows-views";

/** The views of a user, by name; none where the browser keeps nothing, or what it keeps cannot be read. */
export function readViews(user: string): SavedView[] {
  return parsed(stored(user));
}

/** The views with one more, or one that replaces the view of its name. */
export function withView(views: readonly SavedView[], view: SavedView): SavedView[] {
  return [...views.filter(({ name }) => name !== view.name), view].sort((a, b) =>
    a.name.localeCompare(b.name),
  );
}

/** The view that shows what an address shows; null where none does. */
export function viewOf(views: readonly SavedView[], address: string): SavedView | null {
  const wanted = sorted(address);
  return views.find((each) => sorted(each.address) === wanted) ?? null;
}

/** The views of a user, also as other tabs of the browser change them. */
export function useSavedViews(user: string): [SavedView[], (views: readonly SavedView[]) => void] {
  const text = useSyncExternalStore(watch, () => stored(user));
  const write = useCallback(
    (views: readonly SavedView[]) => {
      try {
        if (views.length === 0) localStorage.removeItem(PREFIX + user);
        else localStorage.setItem(PREFIX + user, JSON.stringify(views));
      } catch {
        // Storage may be full or forbidden.
      }
      window.dispatchEvent(new Event(CHANGED));
    },
    [user],
  );
  return [parsed(text), write];
}

function stored(user: string): string {
  try {
    return localStorage.getItem(PREFIX + user) ?? "";
  } catch {
    return "";
  }
}

function parsed(text: string): SavedView[] {
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) ? found.filter(isView) : [];
  } catch {
    return [];
  }
}

function isView(value: unknown): value is SavedView {
  const { name, address } = (value ?? {}) as Record<string, unknown>;
  return typeof name === "string" && name !== "" && typeof address === "string";
}

function sorted(address: string): string {
  const parameters = new URLSearchParams(address);
  parameters.sort();
  return parameters.toString();
}

function watch(changed: () => void): () => void {
  for (const name of [CHANGED, "storage"]) window.addEventListener(name, changed);
  return () => {
    for (const name of [CHANGED, "storage"]) window.removeEventListener(name, changed);
  };
}
