import { Box, HStack, IconButton, Skeleton, Text } from "@chakra-ui/react";
import { Panel, ReactFlow, ReactFlowProvider, useReactFlow } from "@xyflow/react";
import flowStyle from "@xyflow/react/dist/base.css?inline";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { DefinitionGraph } from "src/api/schema.gen";
import { ArrowHeads, type FlowEdge, WayEdge } from "src/graph/edges";
import { isLarge, type Layout, layoutOf } from "src/graph/layout";
import { type FlowNode, FrameNode, Selecting, SignNode, StepNode } from "src/graph/nodes";
import { type GraphStates, type RunView, statesOf } from "src/graph/states";
import { useDark } from "src/graph/useDark";
import { focusOf, isInView, viewportOf } from "src/graph/viewport";
import { t } from "src/texts";

const NODE_TYPES = { step: StepNode, sign: SignNode, frame: FrameNode };
const EDGE_TYPES = { way: WayEdge };
const SIGNS = new Set(["start", "end", "fail", "join", "onFailure"]);
const TALLEST = 640;
const LOWEST = 220;

type Props = {
  graph: DefinitionGraph;
  /** The instance whose run is shown; null for the definition alone. */
  view?: RunView | null;
  selected?: string | null;
  onSelect?: (stepId: string) => void;
  /** Whether the graph is being changed: it stays where it was moved to, and shows the selected step. */
  editing?: boolean;
};

/** A definition from top to bottom, with the states and the path of a run. */
export function GraphView(props: Props) {
  const found = useLayout(props.graph, props.editing ?? false);
  if (found === null)
    return <Skeleton aria-label={t("graph.drawing")} height={`${TALLEST}px`} role="status" />;
  return (
    <ReactFlowProvider>
      <style>{flowStyle}</style>
      <Canvas {...props} {...found} />
    </ReactFlowProvider>
  );
}

type LaidOut = { graph: DefinitionGraph; layout: Layout };

/**
 * The layout of a graph; of a large one behind everything else, so that the page does not wait for it.
 *
 * @param keep show the graph before until then
 */
function useLayout(graph: DefinitionGraph, keep: boolean): LaidOut | null {
  const small = useMemo(() => (isLarge(graph) ? null : { graph, layout: layoutOf(graph) }), [graph]);
  const [large, setLarge] = useState<LaidOut | null>(null);
  useEffect(() => {
    if (!isLarge(graph)) return undefined;
    const timer = setTimeout(() => setLarge({ graph, layout: layoutOf(graph) }), 0);
    return () => clearTimeout(timer);
  }, [graph]);
  return small ?? (keep || large?.graph === graph ? large : null);
}

function Canvas(props: Props & LaidOut) {
  const { graph, layout, view = null, selected = null, onSelect, editing = false } = props;
  const dark = useDark();
  const states = useMemo(() => statesOf(graph, view), [graph, view]);
  const nodes = useMemo(() => nodesOf(layout, states, selected), [layout, states, selected]);
  const edges = useMemo(() => edgesOf(layout, states), [layout, states]);
  const place = useRef<HTMLDivElement>(null);
  const height = Math.min(TALLEST, Math.max(LOWEST, layout.height + 24));
  const show = useShow(layout, place, editing ? selected : focusOf(view), editing);
  return (
    <Box
      aria-label={t("graph.of", {
        workflow: graph.workflowId,
        count: graph.nodes.filter(({ kind }) => !SIGNS.has(kind)).length,
      })}
      borderWidth="1px"
      className="workflows-graph"
      data-testid="workflow-graph"
      height={`${height}px`}
      overflow="hidden"
      ref={place}
      role="region"
      rounded="md"
    >
      <ArrowHeads />
      <Selecting.Provider value={onSelect ?? null}>
        <ReactFlow<FlowNode, FlowEdge>
          // The library puts the mode's name on its element, and with it the theme's colours.
          colorMode={dark ? "dark" : "light"}
          deleteKeyCode={null}
          disableKeyboardA11y
          edges={edges}
          edgesFocusable={false}
          edgeTypes={EDGE_TYPES}
          elementsSelectable={false}
          maxZoom={2}
          minZoom={0.1}
          nodes={nodes}
          nodesConnectable={false}
          nodesDraggable={false}
          nodesFocusable={false}
          nodeTypes={NODE_TYPES}
          onInit={show}
          onlyRenderVisibleElements={layout.nodes.length > 150}
          panOnScroll={false}
          preventScrolling={false}
          proOptions={{ hideAttribution: true }}
          zoomOnDoubleClick={false}
          zoomOnScroll={false}
        >
          <Buttons onAll={show} />
          <Legend />
        </ReactFlow>
      </Selecting.Provider>
    </Box>
  );
}

/**
 * Shows the part of the graph that is looked at first.
 *
 * @param editing move the graph later only to what is current and cannot be seen
 */
function useShow(
  layout: Layout,
  place: React.RefObject<HTMLDivElement | null>,
  current: string | null,
  editing: boolean,
) {
  const flow = useReactFlow();
  const focus = useRef(current);
  focus.current = current;
  const [width, setWidth] = useState(0);
  const show = useCallback(() => {
    const space = place.current?.getBoundingClientRect();
    if (space === undefined || space.width === 0) return;
    void flow.setViewport(viewportOf(layout, space, focus.current));
  }, [flow, layout, place]);
  useEffect(() => {
    if (place.current === null) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [place]);
  const begun = useRef(false);
  const followed = editing ? current : null;
  useEffect(() => {
    const space = place.current?.getBoundingClientRect();
    if (space === undefined || width === 0) return;
    // A tab that was hidden, or a window that was resized, shows the graph anew.
    const stays = editing && begun.current && isInView(layout, space, flow.getViewport(), followed);
    begun.current = true;
    if (!stays) show();
  }, [width, show, editing, followed, flow, layout, place]);
  return show;
}

function Buttons({ onAll }: { onAll: () => void }) {
  const flow = useReactFlow();
  const buttons = [
    { label: t("graph.zoomIn"), sign: "+", act: () => flow.zoomIn() },
    { label: t("graph.zoomOut"), sign: "−", act: () => flow.zoomOut() },
    { label: t("graph.fit"), sign: "⤢", act: onAll },
  ];
  return (
    <Panel position="top-right">
      <HStack gap={1}>
        {buttons.map(({ label, sign, act }) => (
          <IconButton
            aria-label={label}
            key={label}
            onClick={() => void act()}
            size="2xs"
            title={label}
            variant="outline"
          >
            {sign}
          </IconButton>
        ))}
      </HStack>
    </Panel>
  );
}

function Legend() {
  return (
    <Panel position="bottom-right">
      <Text bg="bg" color="fg.muted" fontSize="2xs" opacity={0.9} px={1} rounded="sm">
        {t("graph.legend")}
      </Text>
    </Panel>
  );
}

function nodesOf(layout: Layout, states: GraphStates, selected: string | null): FlowNode[] {
  const frames = layout.groups.map(
    (placed): FlowNode => ({
      ...common(`group ${placed.group.id}`, placed.box, -10 + placed.depth),
      type: "frame",
      data: { placed },
    }),
  );
  const steps = layout.nodes.map(({ node, box }): FlowNode => {
    const state = states.node(node.id);
    const data = { node, state, selected: node.stepId === selected && node.kind !== "join" };
    return { ...common(node.id, box, 1), type: SIGNS.has(node.kind) ? "sign" : "step", data };
  });
  return [...frames, ...steps];
}

function common(
  id: string,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
  z: number,
) {
  return {
    id,
    position: { x, y },
    width,
    height,
    style: { width, height, pointerEvents: "all" as const },
    zIndex: z,
    draggable: false,
  };
}

function edgesOf(layout: Layout, states: GraphStates): FlowEdge[] {
  return layout.edges.map((placed) => {
    const taken = states.taken(placed.edge);
    const { source, target } = placed.edge;
    return { id: placed.id, type: "way", source, target, zIndex: taken > 0 ? 1 : 0, data: { placed, taken } };
  });
}
