// The time zone that the user has chosen in Airflow.

import { useSyncExternalStore } from "react";

/** Where Airflow keeps it, as JSON; nothing there means the browser's own. */
const CHOSEN = "timezone";

export function zone(): string {
  try {
    const chosen: unknown = JSON.parse(localStorage.getItem(CHOSEN) ?? "null");
    if (typeof chosen === "string")
      return new Intl.DateTimeFormat("en", { timeZone: chosen }).resolvedOptions().timeZone;
  } catch {
    // Nothing can be read, or it is not a time zone.
  }
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Draws again what shows times when another time zone is chosen. */
export function useZone(): string {
  return useSyncExternalStore(watch, zone);
}

function watch(changed: () => void): () => void {
  // The first comes from other windows, the second is what Airflow's page sends within its own.
  for (const name of ["storage", "local-storage"]) window.addEventListener(name, changed);
  return () => {
    for (const name of ["storage", "local-storage"]) window.removeEventListener(name, changed);
  };
}

/** The moment at which a day begins in the chosen time zone; null where it is not a day. */
export function startOfDay(day: string, later = 0): Date | null {
  const [year, month, date] = day.split("-").map(Number);
  if (year === undefined || month === undefined || date === undefined) return null;
  return inZone(Date.UTC(year, month - 1, date + later));
}

/** The moment that a field for date and time means in the chosen time zone; null where it is none. */
export function momentOf(local: string): Date | null {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/.test(local) ? inZone(Date.parse(`${local}Z`)) : null;
}

function inZone(wanted: number): Date | null {
  if (Number.isNaN(wanted)) return null;
  // The offset depends on the moment that is looked for: twice, for days on which the clock is changed.
  let found = wanted;
  for (let round = 0; round < 2; round += 1) found = wanted - offset(new Date(found));
  return new Date(found);
}

/** How far the chosen time zone is ahead of UTC at a moment, in milliseconds. */
function offset(at: Date): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone(),
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(at);
  const number = (type: string) => Number(parts.find((each) => each.type === type)?.value);
  const shown = Date.UTC(
    number("year"),
    number("month") - 1,
    number("day"),
    number("hour"),
    number("minute"),
    number("second"),
  );
  return shown - Math.floor(at.getTime() / 1000) * 1000;
}
