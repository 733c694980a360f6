import { Badge, Code, Heading, HStack, Progress, Spacer, Stack, Text } from "@chakra-ui/react";
import type { InstanceView } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { CopyButton } from "src/parts/CopyButton";
import { paths } from "src/parts/paths";
import { Sentence } from "src/parts/Sentence";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time, useNow } from "src/parts/Time";
import { duration } from "src/parts/times";
import { t } from "src/texts";
import { Actions } from "src/workflow/Actions";
import type { Host } from "src/workflow/host";
import { isLive } from "src/workflow/instance";
import { statusSentence } from "src/workflow/status";
import { TestEvent } from "src/workflow/TestEvent";
import { useWaiting } from "src/workflow/useWaiting";
import { timeInWork } from "src/workflow/work";

type Props = { view: InstanceView; names: ReadonlyMap<string, string>; host: Host; onChanged: () => void };

/** What the instance is, how far it has come, and what may be done with it. */
export function Header({ view, names, host, onChanged }: Props) {
  const { progress } = view;
  const waiting = useWaiting(view);
  const now = useNow();
  return (
    <Stack gap={2}>
      <HStack align="flex-start" flexWrap="wrap" gap={2}>
        <Heading as="h2" overflowWrap="anywhere" size="md">
          {view.correlationId == null ? view.workflowName : `${view.workflowName} · ${view.correlationId}`}
        </Heading>
        <Badge size="sm" title={t("instance.revision", { revision: view.revision })}>
          {view.version}
        </Badge>
        <StatusBadge status={view.displayStatus} />
        {view.overdue ? <StatusBadge label={t("instance.overdue")} status="expired" /> : null}
        {view.compensationsOwed > 0 ? <StatusBadge label={t("instance.owed")} status="expired" /> : null}
        <Spacer />
        <Actions host={host} names={names} onChanged={onChanged} view={view} />
      </HStack>
      <Text data-testid="status-sentence" overflowWrap="anywhere">
        {statusSentence(view, names, waiting, now.getTime())}
      </Text>
      <TestEvent allowed={view.rights.publishEvents} names={names} waits={waiting.waits} />
      <HStack color="fg.muted" columnGap={4} flexWrap="wrap" fontSize="xs" rowGap={1}>
        <Text>
          <Sentence
            parts={{ time: <Time at={view.startedAt} />, user: view.startedBy }}
            text={view.startedBy == null ? "instance.started" : "instance.startedBy"}
          />
        </Text>
        {view.completedAt ? <Took view={view} /> : null}
        {isLive(view) && view.dueAt ? (
          <Text>
            <Sentence parts={{ time: <Time at={view.dueAt} exact /> }} text="instance.deadline" />
          </Text>
        ) : null}
        {isLive(view) && view.deadlineAt ? (
          <Text>
            <Sentence parts={{ time: <Time at={view.deadlineAt} exact /> }} text="instance.timeout" />
          </Text>
        ) : null}
        <HStack gap={1}>
          <Text overflowWrap="anywhere">
            {t("instance.id")} <Code size="xs">{view.id}</Code>
          </Text>
          <CopyButton label={t("instance.copyId")} text={view.id} />
        </HStack>
        {view.parentInstanceId ? (
          <AppLink to={paths.instance(view.parentInstanceId)}>{t("instance.byParent")}</AppLink>
        ) : null}
        {host === "own" ? (
          <AppLink to={paths.run(view)}>{t("instance.toRun")}</AppLink>
        ) : (
          <AppLink to={paths.instance(view.id)}>{t("instance.toPage")}</AppLink>
        )}
        <AppLink to={paths.compare(view.id)}>{t("compare.withOther")}</AppLink>
      </HStack>
      <Progress.Root
        aria-label={t("instance.progress")}
        colorPalette={view.status === "failed" ? "failed" : "success"}
        size="sm"
        value={progress.percent}
      >
        <HStack gap={3}>
          <Progress.Track flex="1">
            <Progress.Range />
          </Progress.Track>
          <Text fontSize="xs" whiteSpace="nowrap">
            {t(isLive(view) ? "instance.stepsAtMost" : "instance.steps", {
              completed: progress.completed,
              count: progress.total,
            })}
          </Text>
        </HStack>
      </Progress.Root>
    </Stack>
  );
}

/** From the start to the end, with all waits and pauses, and how much of it was work where that is known. */
function Took({ view }: { view: InstanceView }) {
  const end = Date.parse(view.completedAt ?? view.updatedAt);
  const work = timeInWork(view, end);
  const took = duration(end - Date.parse(view.startedAt));
  return (
    <Text>
      {work === null
        ? t("instance.took", { duration: took })
        : t("instance.tookWork", { duration: took, work: duration(work) })}
    </Text>
  );
}
