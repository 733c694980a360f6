import { Badge, Heading, HStack, Progress, Spacer, Stack, Text } from "@chakra-ui/react";
import type { InstanceView } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { paths } from "src/parts/paths";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time } from "src/parts/Time";
import { duration } from "src/parts/times";
import { Actions } from "src/workflow/Actions";
import { isLive } from "src/workflow/instance";

type Props = { view: InstanceView; names: ReadonlyMap<string, string>; onChanged: () => void };

/** What the instance is, how far it has come, and what may be done with it. */
export function Header({ view, names, onChanged }: Props) {
  const { progress } = view;
  const step = progress.currentStep ? (names.get(progress.currentStep) ?? progress.currentStep) : null;
  return (
    <Stack gap={2}>
      <HStack align="flex-start" flexWrap="wrap" gap={2}>
        <Heading as="h2" overflowWrap="anywhere" size="md">
          {view.workflowName}
        </Heading>
        <Badge size="sm" title={`Revision ${view.revision}`}>
          {view.version}
        </Badge>
        <StatusBadge status={view.displayStatus} />
        {view.compensationsOwed > 0 ? <StatusBadge label="compensation owed" status="expired" /> : null}
        <Spacer />
        <Actions names={names} onChanged={onChanged} view={view} />
      </HStack>
      <HStack color="fg.muted" columnGap={4} flexWrap="wrap" fontSize="xs" rowGap={1}>
        <Text>
          Started <Time at={view.startedAt} />
        </Text>
        {view.completedAt ? (
          <Text>
            Took {duration(new Date(view.completedAt).getTime() - new Date(view.startedAt).getTime())}
          </Text>
        ) : null}
        {isLive(view) && view.deadlineAt ? (
          <Text>
            Must end <Time at={view.deadlineAt} />
          </Text>
        ) : null}
        {view.correlationId ? <Text overflowWrap="anywhere">Correlation id {view.correlationId}</Text> : null}
        {view.parentInstanceId ? (
          <AppLink to={paths.instanceById(view.parentInstanceId)}>Started by another workflow</AppLink>
        ) : null}
      </HStack>
      <Progress.Root
        aria-label="Progress"
        colorPalette={view.status === "failed" ? "failed" : "success"}
        size="sm"
        value={progress.percent}
      >
        <HStack gap={3}>
          <Progress.Track flex="1">
            <Progress.Range />
          </Progress.Track>
          <Text fontSize="xs" whiteSpace="nowrap">
            {progress.completed} of {isLive(view) ? "at most " : ""}
            {progress.total} steps
          </Text>
        </HStack>
      </Progress.Root>
      {isLive(view) && step !== null ? (
        <Text color="fg.muted" fontSize="xs">
          Now at “{step}”
        </Text>
      ) : null}
    </Stack>
  );
}
