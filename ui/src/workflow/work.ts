// How long an instance was worked on.

import type { InstanceView } from "src/api/schema.gen";

/**
 * The milliseconds in which at least one attempt ran, without its wait for people, events or a time.
 *
 * @returns null where the attempts are not all known
 */
export function timeInWork({ timeline }: Pick<InstanceView, "timeline">, now: number): number | null {
  if (!timeline.complete) return null;
  const parts = timeline.spans
    .map((span) => [
      Date.parse(span.startedAt),
      Date.parse(span.waitingSince ?? span.endedAt ?? new Date(now).toISOString()),
    ])
    .sort(([a = 0], [b = 0]) => a - b);
  let [total, reached] = [0, Number.NEGATIVE_INFINITY];
  for (const [start = 0, end = 0] of parts) {
    total += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return total;
}
