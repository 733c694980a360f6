// Which part of a graph is shown first.

import type { InstanceView } from "src/api/schema.gen";
import type { Layout } from "src/graph/layout";

const READABLE = 0.75;

type Size = { width: number; height: number };

/** The step that is live or has failed; null where the graph is read from its start. */
export function focusOf(view: Pick<InstanceView, "status" | "currentStepId"> | null): string | null {
  return view === null || view.status === "completed" ? null : view.currentStepId;
}

/**
 * The whole graph where it can be read at that size, else what is around a step, or around the start.
 *
 * @param space what there is room for, in pixels
 * @param focus the step, if one is looked for
 */
export function viewportOf(layout: Layout, space: Size, focus: string | null) {
  const whole = Math.min(space.width / layout.width, space.height / layout.height, 1);
  const zoom = Math.max(whole, READABLE);
  const start = layout.nodes.find(({ node }) => node.kind === "start");
  const box = (layout.nodes.find(({ node }) => node.id === focus) ?? start)?.box;
  const shift = (at: number, size: number, room: number) =>
    size * zoom <= room
      ? (room - size * zoom) / 2
      : Math.min(0, Math.max(room - size * zoom, room / 2 - at * zoom));
  return {
    x: shift(box ? box.x + box.width / 2 : layout.width / 2, layout.width, space.width),
    y: shift(box ? box.y + box.height / 2 : 0, layout.height, space.height),
    zoom,
  };
}

/** Whether a step can be seen where the graph has been moved to; one that is not in the graph is not missed. */
export function isInView(
  layout: Layout,
  space: Size,
  { x, y, zoom }: { x: number; y: number; zoom: number },
  id: string | null,
): boolean {
  const box = layout.nodes.find(({ node }) => node.id === id)?.box;
  if (box === undefined) return true;
  const [left, top] = [box.x * zoom + x, box.y * zoom + y];
  return (
    left >= 0 && top >= 0 && left + box.width * zoom <= space.width && top + box.height * zoom <= space.height
  );
}
