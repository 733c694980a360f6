import { Box, chakra } from "@chakra-ui/react";
import { type Edge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";
import { memo } from "react";
import type { GraphEdge } from "src/api/schema.gen";
import { type PlacedEdge, pathThrough } from "src/graph/layout";

export type WayData = { placed: PlacedEdge; taken: number };
export type FlowEdge = Edge<WayData, "way">;

const DASHES: Partial<Record<GraphEdge["kind"], string>> = { error: "6 4", compensation: "2 4" };

/** The colour of an edge: where the path went, what failed, what is undone, what only might be. */
function colourOf(edge: GraphEdge, taken: number): string {
  if (edge.kind === "error") return taken > 0 ? "fg.error" : "border.error";
  if (taken > 0) return "fg.success";
  return edge.kind === "compensation" ? "border.warning" : "border.emphasized";
}

export const WayEdge = memo(function WayEdge({ id, data }: EdgeProps<FlowEdge>) {
  if (data === undefined) return null;
  const { placed, taken } = data;
  const { edge, label, points } = placed;
  const colour = colourOf(edge, taken);
  const marker = `arrow-${edge.kind}-${taken > 0 ? "taken" : "open"}`;
  return (
    <>
      <chakra.path
        d={pathThrough(points)}
        data-edge={`${edge.source} ${edge.target}`}
        data-taken={taken}
        fill="none"
        id={`edge-${id}`}
        markerEnd={`url(#${marker})`}
        stroke={colour}
        strokeDasharray={DASHES[edge.kind] ?? "none"}
        strokeWidth={taken > 0 ? "2.5px" : "1.5px"}
      />
      {label === null && taken < 2 ? null : (
        <EdgeLabelRenderer>
          <Box
            bg="bg"
            borderColor={edge.back ? "border.emphasized" : "transparent"}
            borderWidth="1px"
            color={edge.kind === "error" ? "failed.fg" : "fg.muted"}
            fontSize="2xs"
            fontStyle={edge.default ? "italic" : "normal"}
            pointerEvents="all"
            position="absolute"
            px={1}
            rounded="sm"
            title={edge.label}
            transform={`translate(-50%, -50%) translate(${labelAt(placed).x}px, ${labelAt(placed).y}px)`}
            whiteSpace="nowrap"
          >
            {edge.back ? "↺ " : ""}
            {label?.text}
            {taken > 1 ? ` ×${taken}` : ""}
          </Box>
        </EdgeLabelRenderer>
      )}
    </>
  );
});

function labelAt({ label, points }: PlacedEdge) {
  return label?.at ?? points[Math.floor(points.length / 2)] ?? { x: 0, y: 0 };
}

/** The arrow heads; one for each colour, since they do not take that of their line everywhere. */
export function ArrowHeads() {
  const kinds: GraphEdge["kind"][] = ["next", "error", "compensation", "fork"];
  return (
    <chakra.svg aria-hidden="true" h={0} position="absolute" w={0}>
      <defs>
        {kinds.flatMap((kind) =>
          [0, 1].map((taken) => (
            <marker
              id={`arrow-${kind}-${taken > 0 ? "taken" : "open"}`}
              key={`${kind} ${taken}`}
              markerHeight="12"
              markerUnits="userSpaceOnUse"
              markerWidth="12"
              orient="auto-start-reverse"
              refX="9"
              refY="5"
              viewBox="0 0 10 10"
            >
              <chakra.path d="M0,0L10,5L0,10Z" fill={colourOf({ kind } as GraphEdge, taken)} />
            </marker>
          )),
        )}
      </defs>
    </chakra.svg>
  );
}
