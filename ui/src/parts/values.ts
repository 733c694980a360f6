// How the values of components are written.

import { absolute, duration } from "src/parts/times";
import { zone } from "src/parts/zone";
import { language, t } from "src/texts";

const NOTHING = "–";

/** A value as one line of text; null for what is drawn in another way (objects, Markdown, links). */
export function written(value: unknown, format: string): string | null {
  if (value === null || value === undefined) return NOTHING;
  switch (format) {
    case "json":
    case "markdown":
      return null;
    case "link":
      return linkOf(value) === null ? plain(value) : null;
    case "number":
      return typeof value === "number" ? value.toLocaleString(language()) : plain(value);
    case "percent":
      return typeof value === "number"
        ? value.toLocaleString(language(), { style: "percent", maximumFractionDigits: 1 })
        : plain(value);
    case "boolean":
      return typeof value === "boolean" ? t(value ? "value.yes" : "value.no") : plain(value);
    case "date":
    case "datetime":
      return dateOf(value, format);
    case "duration":
      return durationOf(value);
    default:
      return plain(value);
  }
}

/** Where a link leads; null for what is no address that a browser may open. */
export function linkOf(value: unknown): string | null {
  if (typeof value !== "string") return null;
  try {
    const { protocol, href } = new URL(value);
    return protocol === "https:" || protocol === "http:" ? href : null;
  } catch {
    return null;
  }
}

function plain(value: unknown): string | null {
  if (typeof value === "object") return null;
  return typeof value === "boolean" ? String(value) : String(value as string | number);
}

function dateOf(value: unknown, format: string): string | null {
  if (typeof value !== "string" && typeof value !== "number") return plain(value);
  // A day without a time is that day everywhere, not midnight in London.
  const day = typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
  const time = new Date(day ? `${value}T00:00:00` : value);
  if (Number.isNaN(time.getTime())) return plain(value);
  if (format !== "date" && !day) return absolute(time);
  return time.toLocaleDateString(language(), { dateStyle: "medium", ...(day ? {} : { timeZone: zone() }) });
}

const ISO = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const SECONDS = [604_800, 86_400, 3600, 60, 1];

function durationOf(value: unknown): string | null {
  if (typeof value === "number") return duration(value * 1000);
  const found = typeof value === "string" ? ISO.exec(value) : null;
  if (found === null || value === "P" || String(value).endsWith("T")) return plain(value);
  const seconds = SECONDS.reduce((sum, size, index) => sum + size * Number(found[index + 1] ?? 0), 0);
  return duration(seconds * 1000);
}
