// What the timeline draws: a row for each step, a bar for each attempt.

import type { InstanceView, TimelineSpan } from "src/api/schema.gen";

export type Bar = {
  key: string;
  span: TimelineSpan;
  /** Shares of the whole width, 0 to 1. */
  left: number;
  width: number;
  /** Where its wait begins, as a share of the bar; null where it never waited. */
  waits: number | null;
};
export type Row = { key: string; stepId: string; kind: TimelineSpan["kind"]; bars: Bar[] };
export type Gantt = { rows: Row[]; ticks: { at: number; milliseconds: number }[]; from: number; to: number };

const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800,
];
const MOST_TICKS = 6;

/** The bars of an instance. @param now milliseconds; what is live reaches to it */
export function ganttOf(view: InstanceView, now: number): Gantt {
  const from = new Date(view.startedAt).getTime();
  const ends = view.timeline.spans.map((span) => endOf(span, now));
  const last = view.completedAt ? new Date(view.completedAt).getTime() : now;
  const to = Math.max(from + 1000, last, latest(ends));
  const share = (time: number) => Math.min(1, Math.max(0, (time - from) / (to - from)));
  const rows = new Map<string, Row>();
  for (const span of view.timeline.spans) {
    const key = `${span.kind} ${span.stepId}`;
    const row = rows.get(key) ?? { key, stepId: span.stepId, kind: span.kind, bars: [] };
    rows.set(key, row);
    const start = new Date(span.startedAt).getTime();
    const end = endOf(span, now);
    const wait = span.waitingSince ? new Date(span.waitingSince).getTime() : null;
    row.bars.push({
      key: `${span.scope} ${span.visit} ${span.attempt}`,
      span,
      left: share(start),
      width: share(end) - share(start),
      waits: wait === null || end <= start ? null : Math.min(1, Math.max(0, (wait - start) / (end - start))),
    });
  }
  return { rows: [...rows.values()], ticks: ticksOf(to - from), from, to };
}

function latest(times: number[]): number {
  return times.reduce((last, time) => Math.max(last, time), 0);
}

function endOf(span: TimelineSpan, now: number): number {
  const start = new Date(span.startedAt).getTime();
  return Math.max(start, span.endedAt ? new Date(span.endedAt).getTime() : now);
}

/** A few round times since the start. */
function ticksOf(length: number): Gantt["ticks"] {
  const size =
    (STEPS.find((each) => length / (each * 1000) <= MOST_TICKS) ?? Math.ceil(length / 6000)) * 1000;
  const count = Math.floor(length / size);
  return Array.from({ length: count + 1 }, (_, index) => ({
    at: (index * size) / length,
    milliseconds: index * size,
  }));
}
