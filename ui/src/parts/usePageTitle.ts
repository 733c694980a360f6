import { useEffect } from "react";

/** Names the page in the browser's tab, history and bookmarks: the most particular name first. */
export function usePageTitle(...names: readonly string[]): void {
  const title = names.join(" · ");
  useEffect(() => {
    const before = document.title;
    document.title = title;
    return () => {
      document.title = before;
    };
  }, [title]);
}
