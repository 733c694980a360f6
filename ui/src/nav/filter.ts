// The filter of the list of instances, as it stands in the address and as the API wants it.

import type { Query } from "src/api/client";
import { startOfDay } from "src/parts/zone";

export const STATUSES = ["running", "suspended", "completed", "failed"] as const;
export type Status = (typeof STATUSES)[number];
/** `from` and `until` are days in the time zone that is chosen in Airflow, both included; empty for no restriction. */
export type Filter = {
  workflowId: string;
  status: readonly Status[];
  correlationId: string;
  from: string;
  until: string;
};

const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function readFilter(parameters: URLSearchParams): Filter {
  const day = (name: string) => {
    const found = parameters.get(name) ?? "";
    return DAY.test(found) ? found : "";
  };
  return {
    workflowId: parameters.get("workflowId") ?? "",
    status: STATUSES.filter((status) => parameters.getAll("status").includes(status)),
    correlationId: parameters.get("correlationId") ?? "",
    from: day("from"),
    until: day("until"),
  };
}

export function writeFilter(filter: Filter): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    for (const each of Array.isArray(value) ? value : [value as string])
      if (each !== "") parameters.append(name, each);
  }
  return parameters;
}

export function isFiltered(filter: Filter): boolean {
  return [...writeFilter(filter).keys()].length > 0;
}

export function toggled(chosen: readonly Status[], status: Status): Status[] {
  return STATUSES.filter((each) => (each === status ? !chosen.includes(each) : chosen.includes(each)));
}

/** What the API is asked for: days begin and end in the chosen time zone. */
export function queryOf(filter: Filter): Query {
  return {
    workflowId: filter.workflowId,
    status: filter.status,
    correlationId: filter.correlationId,
    startedFrom: startOf(filter.from, 0),
    startedBefore: startOf(filter.until, 1),
  };
}

function startOf(day: string, later: number): string | undefined {
  return startOfDay(day, later)?.toISOString();
}
