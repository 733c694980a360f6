import { useSyncExternalStore } from "react";

const root = document.documentElement;

function subscribe(tell: () => void): () => void {
  const observer = new MutationObserver(tell);
  observer.observe(root, { attributeFilter: ["class"] });
  return () => observer.disconnect();
}

/** Whether Airflow's page is dark at this moment. */
export function useDark(): boolean {
  return useSyncExternalStore(subscribe, () => root.classList.contains("dark"));
}
