// The filter of the list of instances, as it stands in the address and as the API wants it.

import type { Query } from "src/api/client";
import { momentOf } from "src/parts/zone";

export const STATUSES = ["running", "suspended", "completed", "failed", "cancelled"] as const;
export type Status = (typeof STATUSES)[number];

/** What the API calls them where it is more than one thing. */
const DISPLAYED: Partial<Record<Status, readonly string[]>> = {
  suspended: ["suspended", "waiting", "queued"],
};

/** The last hours that can be chosen instead of a beginning and an end, and how long they are in milliseconds. */
export const LAST = { "1h": 3_600_000, "24h": 86_400_000, "7d": 604_800_000 } as const;
export type Last = keyof typeof LAST;

/** Fields that restrict by a text; empty for no restriction. */
const TEXTS = ["workflowId", "search", "correlationId", "stepId", "version", "startedBy", "input"] as const;
/** Fields of an error, where an empty text is one: an error without a code, or of no step; null for no restriction. */
const ERRORS = ["errorStepId", "errorType", "errorCode"] as const;

/** `from` and `until` are dates with times in the zone that is chosen in Airflow, without the moment of `until`. */
export type Filter = Record<(typeof TEXTS)[number], string> &
  Record<(typeof ERRORS)[number], string | null> & {
    status: readonly Status[];
    last: Last | "";
    from: string;
    until: string;
    order: "newest" | "oldest";
  };

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function readFilter(parameters: URLSearchParams): Filter {
  const texts = TEXTS.map((name) => [name, parameters.get(name) ?? ""]);
  const errors = ERRORS.map((name) => [name, parameters.get(name)]);
  const last = parameters.get("last") ?? "";
  return {
    ...(Object.fromEntries([...texts, ...errors]) as Pick<Filter, (typeof TEXTS | typeof ERRORS)[number]>),
    status: STATUSES.filter((status) => parameters.getAll("status").includes(status)),
    last: Object.hasOwn(LAST, last) ? (last as Last) : "",
    from: momentIn(parameters.get("from") ?? "", 0),
    until: momentIn(parameters.get("until") ?? "", 1),
    order: parameters.get("order") === "oldest" ? "oldest" : "newest",
  };
}

/** A date with a time; of a day alone its beginning, or that of the day after where the day is included. */
function momentIn(text: string, later: number): string {
  if (!DAY.test(text)) return MOMENT.test(text) ? text : "";
  const day = new Date(Date.parse(`${text}T00:00Z`) + later * 86_400_000);
  return Number.isNaN(day.getTime()) ? "" : `${day.toISOString().slice(0, 10)}T00:00`;
}

export function writeFilter(filter: Filter): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    const kept = (ERRORS as readonly string[]).includes(name) ? value !== null : value !== "";
    if (name === "order" && value === "newest") continue;
    for (const each of Array.isArray(value) ? value : [value as string])
      if (kept) parameters.append(name, each);
  }
  return parameters;
}

/** Whether a filter leaves something out. */
export function isFiltered(filter: Filter): boolean {
  return [...writeFilter({ ...filter, order: "newest" }).keys()].length > 0;
}

export function toggled(chosen: readonly Status[], status: Status): Status[] {
  return STATUSES.filter((each) => (each === status ? !chosen.includes(each) : chosen.includes(each)));
}

/**
 * What the API is asked for.
 *
 * @param now the end of the last hours
 */
export function queryOf(filter: Filter, now: number): Query {
  return { ...selectionOf(filter, now), order: filter.order };
}

/** The filter as the API takes it, also in the body of a request. */
export function selectionOf(filter: Filter, now: number): Query {
  const since = filter.last === "" ? momentOf(filter.from) : new Date(now - LAST[filter.last]);
  const texts = TEXTS.map((name) => [name, name === "input" ? conditions(filter.input) : filter[name]]);
  // In a list an empty text is sent as it is.
  const errors = ERRORS.map((name) => [name, filter[name] === null ? undefined : [filter[name]]]);
  return {
    ...Object.fromEntries([...texts, ...errors]),
    // Without a workflow nobody knows whose input is meant.
    ...(filter.workflowId === "" ? { input: undefined } : {}),
    displayStatus: filter.status.flatMap((status) => DISPLAYED[status] ?? [status]),
    startedFrom: since?.toISOString(),
    startedBefore: filter.last === "" ? momentOf(filter.until)?.toISOString() : undefined,
  };
}

/** The filter as the body of a request has it: what is not restricted is left out. */
export function bodyOfFilter(filter: Filter, now: number): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(selectionOf(filter, now))) {
    if (value === undefined || value === null || value === "") continue;
    if (name !== "displayStatus" && name !== "input" && Array.isArray(value)) body[name] = value[0];
    else if (!Array.isArray(value) || value.length > 0) body[name] = value;
  }
  return body;
}

function conditions(text: string): string[] {
  return text
    .split("&&")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
