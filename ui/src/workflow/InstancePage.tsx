import { Box, List, Skeleton, Stack } from "@chakra-ui/react";
import { useState } from "react";
import type { InstanceView } from "src/api/schema.gen";
import { GraphView } from "src/graph/GraphView";
import { Empty } from "src/parts/Empty";
import { FailureNotice } from "src/parts/FailureNotice";
import { LiveView } from "src/parts/LiveView";
import { Notice } from "src/parts/Notice";
import { Sentence } from "src/parts/Sentence";
import { usePageTitle } from "src/parts/usePageTitle";
import { type View, ViewTabs } from "src/parts/ViewTabs";
import { t } from "src/texts";
import { type Around, ComponentView } from "src/workflow/ComponentView";
import { Documents } from "src/workflow/Documents";
import { Header } from "src/workflow/Header";
import type { Host } from "src/workflow/host";
import { nameOfInstance } from "src/workflow/instance";
import { LogView } from "src/workflow/LogView";
import { Related, startsOthers } from "src/workflow/Related";
import { StepDrawer } from "src/workflow/StepDrawer";
import { TimelineView } from "src/workflow/TimelineView";
import type { Instance } from "src/workflow/useInstance";

/** Why there is no instance to show; null where there is one. */
export function NothingThere({ instance }: { instance: Instance }) {
  const { failure, data } = instance.live;
  if (failure?.code === "not-a-workflow") {
    return <Notice title={t("definition.notWorkflow")}>{t("definition.notWorkflowRuns")}</Notice>;
  }
  if (failure?.missing && data !== null) {
    return <Notice title={t("instance.gone")}>{t("instance.goneText")}</Notice>;
  }
  if (failure?.code === "no-instance") {
    return <Empty title={t("instance.notYet")}>{t("instance.notYetText")}</Empty>;
  }
  return null;
}

type Props = { instance: Instance; host: Host };

/** Everything about an instance: the same on a page of its own and in the tab of its DAG run. */
export function InstancePage({ instance, host }: Props) {
  const nothing = NothingThere({ instance });
  if (nothing !== null) return nothing;
  return (
    <LiveView lines={8} live={instance.live}>
      {(view) => <Page host={host} instance={instance} key={view.id} view={view} />}
    </LiveView>
  );
}

function Page({ instance, view, host }: Props & { view: InstanceView }) {
  const { live, graph, names, human } = instance;
  const [selected, setSelected] = useState<string | null>(null);
  usePageTitle(view.workflowName, nameOfInstance(view));
  const around: Around = {
    view,
    graph: graph.data,
    names,
    human,
    selected,
    onSelect: setSelected,
    onChanged: live.refresh,
  };
  const views: View[] = [
    { name: "graph", title: t("definition.graph"), content: <Graph around={around} instance={instance} /> },
    { name: "timeline", title: t("instance.timeline"), content: <TimelineView {...around} /> },
    { name: "data", title: t("instance.data"), content: <Documents view={view} /> },
  ];
  if (view.rights.readLog)
    views.push({
      name: "log",
      title: t("instance.log"),
      content: <LogView key={view.id} names={names} view={view} />,
    });
  if (view.parentInstanceId != null || startsOthers(graph.data))
    views.push({ name: "related", title: t("instance.related"), content: <Related view={view} /> });
  return (
    <Stack gap={4}>
      <Header host={host} names={names} onChanged={live.refresh} view={view} />
      <Failed view={view} />
      <Notices view={view} />
      <Stack data-testid="workflow-components" gap={3}>
        {view.components.map((component) => (
          <ComponentView around={around} component={component} key={component.componentId} />
        ))}
      </Stack>
      <ViewTabs views={views} />
      <StepDrawer
        name={names.get(selected ?? "") ?? selected ?? ""}
        onClose={() => setSelected(null)}
        stepId={selected}
        view={view}
      />
    </Stack>
  );
}

function Graph({ around, instance }: { around: Around; instance: Instance }) {
  const { graph } = instance;
  if (graph.data === null) {
    if (graph.failure !== null) return <FailureNotice failure={graph.failure} onRetry={graph.refresh} />;
    return <Skeleton height="320px" />;
  }
  return (
    <GraphView graph={graph.data} onSelect={around.onSelect} selected={around.selected} view={around.view} />
  );
}

/** Why the instance failed, where no component tells it already. */
function Failed({ view }: { view: InstanceView }) {
  const told = view.components.some(({ layout, tone }) => layout === "alert" && tone === "error");
  if (view.status !== "failed" || told || !view.error) return null;
  const { type, message, stepId } = view.error;
  const error = String(type ?? t("instance.failed"));
  return (
    <Notice
      title={typeof stepId === "string" ? t("instance.failedIn", { error, step: stepId }) : error}
      tone="error"
    >
      <Box whiteSpace="pre-wrap">{String(message ?? "")}</Box>
    </Notice>
  );
}

/** What went wrong with components; only people who may edit the definition are told. */
function Notices({ view }: { view: InstanceView }) {
  if (view.notices.length === 0) return null;
  return (
    <Notice title={t("instance.notices")} tone="warning">
      <List.Root data-testid="component-notices" ps={4}>
        {view.notices.map(({ componentId, pointer, message }) => (
          <List.Item key={`${componentId} ${pointer}`}>
            <Sentence
              parts={{ component: <b>{componentId}</b>, pointer, message }}
              text="instance.noticeAt"
            />
          </List.Item>
        ))}
      </List.Root>
    </Notice>
  );
}
