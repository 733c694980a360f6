import { Box, chakra, HStack, Text, VisuallyHidden } from "@chakra-ui/react";
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { createContext, memo, useContext } from "react";
import type { GraphNode } from "src/api/schema.gen";
import type { PlacedGroup } from "src/graph/layout";
import { type NodeState, saidAround } from "src/graph/states";
import { paletteOf } from "src/parts/StatusBadge";
import { t, useLanguage } from "src/texts";

export type StepNodeData = { node: GraphNode; state: NodeState; selected: boolean };
export type GroupNodeData = { placed: PlacedGroup };
export type FlowNode = Node<StepNodeData, "step"> | Node<StepNodeData, "sign"> | Node<GroupNodeData, "frame">;

/** What a click on a step does; null where steps only show. */
export const Selecting = createContext<((stepId: string) => void) | null>(null);

const MARKS: Partial<Record<string, string>> = {
  completed: "✓",
  failed: "✕",
  running: "●",
  waiting: "⏸",
  retrying: "↻",
  pending: "…",
  skipped: "»",
};
const KINDS: Partial<Record<GraphNode["kind"], string>> = { parallel: "⇉", forEach: "∀", compensation: "↶" };

/** Edges begin and end where the layout says; the library wants handles all the same. */
function Ends() {
  const hidden = { opacity: 0, pointerEvents: "none" as const };
  return (
    <>
      <Handle isConnectable={false} position={Position.Top} style={hidden} type="target" />
      <Handle isConnectable={false} position={Position.Bottom} style={hidden} type="source" />
    </>
  );
}

export const StepNode = memo(function StepNode({ data }: NodeProps<Node<StepNodeData, "step">>) {
  const { node, state, selected } = data;
  useLanguage();
  const select = useContext(Selecting);
  const { stepId } = node;
  const small = node.kind === "compensation";
  // Its name is what can be read on it, and what its looks tell: speech input finds it by what is seen.
  const { before, after } = saidAround(node, state);
  const quiet = state.status === null ? "fg.muted" : "colorPalette.fg";
  return (
    <>
      <Ends />
      <chakra.button
        aria-pressed={selected}
        bg={state.status === null ? "bg" : "colorPalette.subtle"}
        className="nopan"
        borderColor={state.status === null ? "border.emphasized" : "colorPalette.solid"}
        borderStyle={small ? "dashed" : "solid"}
        borderWidth={selected ? "3px" : "1.5px"}
        color="fg"
        colorPalette={paletteOf(state.status ?? "")}
        cursor={select === null ? "default" : "pointer"}
        data-status={state.status ?? ""}
        data-step={node.id}
        disabled={select === null}
        display="block"
        h="full"
        onClick={() => stepId && select?.(stepId)}
        overflow="hidden"
        px={2}
        rounded={small ? "full" : "md"}
        textAlign="start"
        title={[node.name, node.description].filter(Boolean).join("\n")}
        type="button"
        w="full"
        _disabled={{ opacity: 1 }}
      >
        <VisuallyHidden>{before}</VisuallyHidden>
        <HStack gap={1} minW={0}>
          <Text flex="1" fontSize="xs" fontWeight="semibold" minW={0} truncate>
            {KINDS[node.kind] === undefined ? null : <span aria-hidden="true">{KINDS[node.kind]} </span>}
            {node.name}
          </Text>
          {state.visits > 1 ? (
            <Text aria-hidden="true" color={quiet} fontSize="2xs">
              ×{state.visits}
            </Text>
          ) : null}
          {state.status === null ? null : (
            <Text aria-hidden="true" color="colorPalette.fg" fontSize="xs" fontWeight="bold">
              {MARKS[state.status]}
            </Text>
          )}
        </HStack>
        {small ? null : (
          <Text color={quiet} fontSize="2xs" truncate>
            <VisuallyHidden>{t("graph.task")} </VisuallyHidden>
            {node.loop ? <span aria-hidden="true">⟲ </span> : null}
            {node.taskId}
          </Text>
        )}
        <VisuallyHidden>{after}</VisuallyHidden>
      </chakra.button>
    </>
  );
});

/** Start, end, the failing end, the workflow's handler, and the joins behind branches. */
export const SignNode = memo(function SignNode({ data }: NodeProps<Node<StepNodeData, "sign">>) {
  const { node, state } = data;
  const join = node.kind === "join";
  return (
    <>
      <Ends />
      <Box
        alignItems="center"
        bg={state.status === null ? "bg.muted" : "colorPalette.subtle"}
        borderColor={state.status === null ? "border.emphasized" : "colorPalette.solid"}
        borderStyle={node.kind === "onFailure" ? "dashed" : "solid"}
        borderWidth="1.5px"
        color="fg"
        colorPalette={paletteOf(state.status ?? "")}
        data-step={node.id}
        display="flex"
        fontSize="2xs"
        h="full"
        justifyContent="center"
        px={join ? 0 : 1}
        rounded="full"
        textAlign="center"
        title={node.name}
        w="full"
      >
        {join ? "" : node.name}
      </Box>
    </>
  );
});

/** A branch, or the steps for each item. */
export const FrameNode = memo(function FrameNode({ data }: NodeProps<Node<GroupNodeData, "frame">>) {
  const { group, depth } = data.placed;
  useLanguage();
  return (
    <Box
      bg={depth % 2 === 0 ? "bg.subtle" : "bg.muted"}
      borderColor="border"
      borderStyle="dashed"
      borderWidth="1px"
      h="full"
      rounded="md"
      w="full"
    >
      <Text color="fg.muted" fontSize="2xs" px={2} py="2px" truncate>
        {group.kind === "items" ? t("graph.items", { name: group.name }) : group.name}
      </Text>
    </Box>
  );
});
