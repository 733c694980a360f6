import { Badge, Button, Heading, HStack, Spacer, Stack } from "@chakra-ui/react";
import { type ComponentType, useState } from "react";
import { Link as RouterLink } from "react-router-dom";
import { asFailure, call, type Failure } from "src/api/client";
import { type Live, useLive } from "src/api/polling";
import type {
  DefinitionSummary,
  DefinitionVersion,
  WorkflowDefinition,
  WorkflowOverview,
  WorkflowOverviews,
} from "src/api/schema.gen";
import { CheckView } from "src/definition/CheckView";
import { DocumentView } from "src/definition/DocumentView";
import { EditView } from "src/definition/EditView";
import { TriggerView } from "src/definition/TriggerView";
import { VersionView } from "src/definition/VersionView";
import type { ViewProps } from "src/definition/view";
import { DefinitionGraphView } from "src/graph/DefinitionGraphView";
import { BarStrip } from "src/nav/BarStrip";
import { StatusCounts } from "src/nav/StatusCounts";
import { AskDialog } from "src/parts/AskDialog";
import { FailureNotice } from "src/parts/FailureNotice";
import { LiveView } from "src/parts/LiveView";
import { Markdown } from "src/parts/Markdown";
import { Notice } from "src/parts/Notice";
import { paths } from "src/parts/paths";
import { ViewTabs } from "src/parts/ViewTabs";
import type { AirflowProps } from "src/shell/frame";
import { type TextKey, t } from "src/texts";

function GraphPanel({ definition }: ViewProps) {
  return <DefinitionGraphView revision={definition.revision} workflowId={definition.workflowId} />;
}

const VIEWS: Record<string, { title: TextKey; View: ComponentType<ViewProps> }> = {
  graph: { title: "definition.graph", View: GraphPanel },
  document: { title: "definition.document", View: DocumentView },
  versions: { title: "definition.versions", View: VersionView },
  triggers: { title: "definition.triggers", View: TriggerView },
  checks: { title: "definition.checks", View: CheckView },
  edit: { title: "definition.edit", View: EditView },
};

/** What a workflow is, on the page of its DAG. */
export function DefinitionTab({ dagId }: AirflowProps) {
  const live = useLive<DefinitionVersion>(
    dagId === undefined ? null : `/definitions/${encodeURIComponent(dagId)}`,
  );
  if (live.failure?.missing) {
    return <Notice title={t("definition.notWorkflow")}>{t("definition.notWorkflowText")}</Notice>;
  }
  return (
    <LiveView lines={8} live={live}>
      {(definition) => <Definition definition={definition} live={live} />}
    </LiveView>
  );
}

function Definition({ definition, live }: { definition: DefinitionVersion; live: Live<DefinitionVersion> }) {
  const { workflowId } = definition;
  const overviews = useLive<WorkflowOverviews>("/overviews", { query: { workflowId }, every: 5000 });
  const overview = overviews.data?.items[0];
  const may = new Set<string>(overview?.permissions ?? []);
  const document = definition.document as unknown as WorkflowDefinition;
  const own = { definition, document, live, mayEdit: may.has("edit") };
  const views = Object.entries(VIEWS)
    .filter(([name]) => name !== "edit" || own.mayEdit)
    .map(([name, { title, View }]) => ({ name, title: t(title), content: <View {...own} /> }));
  return (
    <Stack gap={3}>
      <HStack align="flex-start" flexWrap="wrap" gap={3} minH={16}>
        <Stack gap={1} maxW="3xl" minW={0}>
          <HStack flexWrap="wrap">
            <Heading as="h2" overflowWrap="anywhere" size="md">
              {String(document.name ?? workflowId)}
            </Heading>
            <Badge size="sm">{definition.version}</Badge>
          </HStack>
          {typeof document.description === "string" ? <Markdown text={document.description} /> : null}
        </Stack>
        <Spacer />
        {overview === undefined ? null : (
          <Stack align="flex-end" gap={2} minH={14}>
            <BarStrip items={overview.recent} />
            <StatusCounts of={overview} />
          </Stack>
        )}
        <Actions onChanged={overviews.refresh} overview={overview} />
      </HStack>
      {overviews.failure === null ? null : <FailureNotice failure={overviews.failure} stale />}
      <ViewTabs pt={4} views={views} />
    </Stack>
  );
}

type ActionProps = { overview: WorkflowOverview | undefined; onChanged: () => void };

function Actions({ overview, onChanged }: ActionProps) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  if (overview === undefined) return null;
  const { workflowId, active, permissions } = overview;
  const toggle = async () => {
    setBusy(true);
    setFailure(null);
    try {
      const path = `/definitions/${encodeURIComponent(workflowId)}/${active ? "deactivate" : "activate"}`;
      await call<DefinitionSummary>(path, { method: "POST" });
    } catch (error) {
      setFailure(asFailure(error));
    } finally {
      setBusy(false);
      onChanged();
    }
  };
  return (
    <Stack align="flex-end">
      <HStack>
        {active ? null : <Badge size="sm">{t("definition.inactive")}</Badge>}
        {permissions.includes("edit") ? (
          <Button
            loading={busy}
            onClick={() => (active ? setAsking(true) : void toggle())}
            size="sm"
            variant="outline"
          >
            {active ? t("definition.deactivate") : t("definition.activate")}
          </Button>
        ) : null}
        {active && permissions.includes("start") ? (
          <Button asChild size="sm">
            <RouterLink to={paths.start(workflowId)}>{t("definition.start")}</RouterLink>
          </Button>
        ) : null}
      </HStack>
      {failure === null ? null : <FailureNotice failure={failure} />}
      {asking ? (
        <AskDialog
          confirm={t("definition.deactivate")}
          danger
          dismiss={t("common.cancel")}
          onClose={() => setAsking(false)}
          onConfirm={() => {
            setAsking(false);
            void toggle();
          }}
          title={t("definition.deactivateTitle")}
        >
          {t("definition.deactivateText")}
        </AskDialog>
      ) : null}
    </Stack>
  );
}
