import { Button, HStack, Stack, Tabs, Text } from "@chakra-ui/react";
import { type ReactNode, useDeferredValue, useEffect, useMemo, useState } from "react";
import type { DefinitionGraph } from "src/api/schema.gen";
import type { WorkbenchProps } from "src/editor/types";
import { GraphView } from "src/graph/GraphView";
import { type TextKey, t } from "src/texts";
import { descriptionAt } from "src/workbench/assist";
import { DescriptionPane } from "src/workbench/DescriptionPane";
import { drawn } from "src/workbench/drawing";
import type { Draft } from "src/workbench/edits";
import { type Outline, outlineOf, placeOf, stepAt } from "src/workbench/outline";
import { StepPane } from "src/workbench/StepPane";
import { type Tried, TryPane } from "src/workbench/TryPane";
import { viewOf } from "src/workbench/trying";
import { useTasks } from "src/workbench/useTasks";

/** What is beside the text of a definition: its graph, and what helps to write it. */
export function Workbench({ text, cursor, editor, findings }: WorkbenchProps) {
  const shown = useDeferredValue(text);
  const outline = useMemo(() => outlineOf(shown), [shown]);
  const tasks = useTasks();
  useEffect(() => editor.setTasks(tasks), [editor, tasks]);
  const graph = useGraph(outline);
  // What was tried is no longer what is written as soon as something changes.
  const [tried, setTried] = useState<(Tried & { text: string }) | null>(null);
  const current = tried !== null && tried.text === shown ? tried : null;
  const view = useMemo(() => (current === null ? null : viewOf(current.result)), [current]);
  const place = stepAt(outline, cursor);
  const select = (stepId: string) => {
    const found = placeOf(outline, stepId);
    if (found !== null) editor.show(found.from);
  };
  const change = (draft: Draft, stepId: string) => {
    // Somebody types, and the draft changes a text that is no longer there.
    if (text !== shown) return;
    editor.change([draft.change()]);
    const found = placeOf(draft.outline, stepId);
    if (found !== null) editor.show(found.from);
  };
  return (
    <Stack gap={3} minW={0}>
      <HStack gap={1}>
        <Button onClick={editor.undo} size="xs" variant="outline">
          {t("workbench.undo")}
        </Button>
        <Button onClick={editor.redo} size="xs" variant="outline">
          {t("workbench.redo")}
        </Button>
        {outline.whole ? null : (
          <Text color="fg.muted" fontSize="xs" role="status">
            {t("workbench.partly")}
          </Text>
        )}
      </HStack>
      <GraphView editing graph={graph} onSelect={select} selected={place?.stepId ?? null} view={view} />
      <Panel
        panes={[
          { name: "findings", title: "editor.findings", content: findings },
          {
            name: "step",
            title: "common.step",
            content: (
              <StepPane
                graph={graph}
                onChange={change}
                outline={outline}
                place={place}
                tasks={tasks}
                text={shown}
              />
            ),
          },
          {
            name: "try",
            title: "workbench.try",
            content: (
              <TryPane
                onSelect={select}
                onTried={(found) => setTried(found && { ...found, text: shown })}
                outline={outline}
                stepId={place?.stepId ?? null}
                tried={current}
              />
            ),
          },
          {
            name: "description",
            title: "workbench.description",
            content: <DescriptionPane description={descriptionAt(text, cursor, tasks)} />,
          },
        ]}
      />
    </Stack>
  );
}

type Pane = { name: string; title: TextKey; content: ReactNode };

function Panel({ panes }: { panes: readonly Pane[] }) {
  const [shown, setShown] = useState(panes[0]?.name ?? "");
  return (
    <Tabs.Root lazyMount onValueChange={({ value }) => setShown(value)} size="sm" value={shown}>
      <Tabs.List>
        {panes.map(({ name, title }) => (
          <Tabs.Trigger key={name} value={name}>
            {t(title)}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {panes.map(({ name, content }) => (
        <Tabs.Content key={name} value={name}>
          {content}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}

/** The graph of a document; the same object as long as nothing changes that is drawn, so that it is placed once. */
function useGraph(outline: Outline): DefinitionGraph {
  const [kept, setKept] = useState(() => keptOf(outline.document));
  const found = useMemo(() => (outline.whole ? keptOf(outline.document) : null), [outline]);
  if (found === null || found.drawn === kept.drawn) return kept.graph;
  setKept(found);
  return found.graph;
}

function keptOf(document: unknown) {
  const graph = drawn(document);
  return { graph, drawn: JSON.stringify(graph) };
}
