import { Heading, Stack, Text } from "@chakra-ui/react";
import type { DefinitionGraph, InstanceView } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { Empty } from "src/parts/Empty";
import { LiveView } from "src/parts/LiveView";
import { paths } from "src/parts/paths";
import type { AirflowProps } from "src/shell/frame";
import { StepDetailView } from "src/step/StepDetailView";
import { stepsOfTask } from "src/step/steps";
import { useStep } from "src/step/useStep";
import { t } from "src/texts";
import { NothingThere } from "src/workflow/InstancePage";
import { useInstanceOfRun } from "src/workflow/useInstance";

/** What a step did, on the page of its task instance. */
export function StepTab({ dagId, runId, taskId }: AirflowProps) {
  const instance = useInstanceOfRun(dagId, runId);
  const nothing = NothingThere({ instance });
  if (nothing !== null) return nothing;
  return (
    <LiveView lines={6} live={instance.live}>
      {(view) => (
        <LiveView lines={6} live={instance.graph}>
          {(graph) => <Steps graph={graph} taskId={taskId ?? ""} view={view} />}
        </LiveView>
      )}
    </LiveView>
  );
}

function Steps({ view, graph, taskId }: { view: InstanceView; graph: DefinitionGraph; taskId: string }) {
  const { steps, whole } = stepsOfTask(graph, taskId);
  const back = <AppLink to={paths.runTab(view)}>{t("step.whole")}</AppLink>;
  if (steps.length === 0) {
    return (
      <Stack gap={3}>
        {back}
        <Empty title={t("step.helper")}>{t("step.helperText")}</Empty>
      </Stack>
    );
  }
  return (
    <Stack gap={6}>
      {back}
      {steps.length > 1 ? (
        <Text color="fg.muted">{t("step.several")}</Text>
      ) : whole ? null : (
        <Text color="fg.muted">{t("step.belongs")}</Text>
      )}
      {steps.map(({ id, name }) => (
        <Step key={id} name={name} stepId={id} view={view} />
      ))}
    </Stack>
  );
}

function Step({ view, stepId, name }: { view: InstanceView; stepId: string; name: string }) {
  const live = useStep(view, stepId);
  return (
    <Stack as="section" aria-label={name} gap={2}>
      <Heading as="h3" overflowWrap="anywhere" size="sm">
        {name}
      </Heading>
      <LiveView lines={4} live={live}>
        {(detail) => <StepDetailView detail={detail} withLink={false} />}
      </LiveView>
    </Stack>
  );
}
