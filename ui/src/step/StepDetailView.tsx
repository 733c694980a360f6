import { Badge, Box, Heading, HStack, Link, Stack, Table, Text } from "@chakra-ui/react";
import { Link as RouterLink } from "react-router-dom";
import type { AttemptDetail, StepDetail, VisitDetail } from "src/api/schema.gen";
import { DataTable } from "src/parts/DataTable";
import { JsonView } from "src/parts/JsonView";
import { Notice } from "src/parts/Notice";
import { Sentence } from "src/parts/Sentence";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time } from "src/parts/Time";
import { duration } from "src/parts/times";
import { eventName, t } from "src/texts";

const MOST_VISITS = 20;

/** What a step received, gave and decided, newest visit first, and what people did to it. */
export function StepDetailView({ detail, withLink = true }: { detail: StepDetail; withLink?: boolean }) {
  const visits = detail.visits.slice(0, MOST_VISITS);
  const status = detail.state?.status;
  return (
    <Stack data-testid="step-detail" gap={4}>
      <HStack flexWrap="wrap">
        {typeof status === "string" ? (
          <StatusBadge status={status} />
        ) : (
          <Badge size="sm">{t("step.notRun")}</Badge>
        )}
        <Text color="fg.muted" fontSize="xs">
          {t("step.task", { task: detail.taskId })}
        </Text>
        {withLink ? <TaskLink detail={detail} /> : null}
      </HStack>
      {detail.description ? <Text whiteSpace="pre-wrap">{detail.description}</Text> : null}
      {detail.complete ? null : <Notice title={t("step.incomplete")}>{t("step.incompleteText")}</Notice>}
      {visits.length === 0 ? <State detail={detail} /> : null}
      {visits.map((visit, index) => (
        <Visit
          key={`${visit.kind} ${visit.scope} ${visit.visit}`}
          many={detail.visits.length > 1}
          state={index === 0 ? detail.state : null}
          visit={visit}
        />
      ))}
      {detail.visits.length > visits.length ? (
        <Text color="fg.muted">{t("step.newest", { shown: MOST_VISITS, total: detail.visits.length })}</Text>
      ) : null}
      <PeopleActions detail={detail} />
    </Stack>
  );
}

/** Leads to the Airflow task, where its log is. */
function TaskLink({ detail }: { detail: StepDetail }) {
  const part = encodeURIComponent;
  const to = `/dags/${part(detail.dagId)}/runs/${part(detail.runId)}/tasks/${part(detail.airflowTaskId)}`;
  return (
    <Link asChild color="fg.info" fontSize="xs">
      <RouterLink to={to}>{t("step.airflowTask")}</RouterLink>
    </Link>
  );
}

function State({ detail }: { detail: StepDetail }) {
  if (!detail.state) return <Text color="fg.muted">{t("step.notReached")}</Text>;
  return <Part title={t("step.state")} value={detail.state} />;
}

type VisitProps = { visit: VisitDetail; many: boolean; state: StepDetail["state"] };

function Visit({ visit, many, state }: VisitProps) {
  const last = visit.attempts.at(-1);
  const output = visit.output ?? state?.output;
  const words = t(visit.kind === "compensation" ? "step.visitOf" : "step.visit", { number: visit.visit });
  return (
    <Stack borderTopWidth={many ? "1px" : 0} gap={3} pt={many ? 3 : 0}>
      {many || visit.scope !== "" ? (
        <Heading as="h4" size="xs">
          {visit.scope === "" ? words : t("step.visitIn", { visit: words, scope: visit.scope })}
        </Heading>
      ) : null}
      <Attempts attempts={visit.attempts} />
      {last?.error ? <ErrorPart error={last.error} /> : null}
      <Decisions visit={visit} />
      {visit.input === undefined ? null : <Part title={t("step.input")} value={visit.input} />}
      {last?.arguments ? <Part title={t("step.arguments")} value={last.arguments} /> : null}
      {output === undefined || output === null ? null : <Part title={t("step.output")} value={output} />}
    </Stack>
  );
}

function Attempts({ attempts }: { attempts: AttemptDetail[] }) {
  return (
    <DataTable
      columns={[t("step.attempt"), t("common.status"), t("step.began"), t("step.took")]}
      label={t("step.attempts")}
    >
      {attempts.map((each) => (
        <Table.Row key={each.attempt}>
          <Table.Cell>{each.attempt}</Table.Cell>
          <Table.Cell>
            <StatusBadge status={each.status} />
          </Table.Cell>
          <Table.Cell>
            <Time at={each.startedAt} />
          </Table.Cell>
          <Table.Cell>{took(each)}</Table.Cell>
        </Table.Row>
      ))}
    </DataTable>
  );
}

function took({ startedAt, endedAt, waitingSince }: AttemptDetail): string {
  if (!endedAt) return "–";
  const length = (from: string) => duration(new Date(endedAt).getTime() - new Date(from).getTime());
  return waitingSince
    ? t("step.tookWaited", { duration: length(startedAt), waited: length(waitingSince) })
    : length(startedAt);
}

function ErrorPart({ error }: { error: Record<string, unknown> }) {
  const text = (name: string) => (typeof error[name] === "string" ? (error[name] as string) : "");
  const { details } = error;
  const more = typeof details === "object" && details !== null && Object.keys(details).length > 0;
  return (
    <Notice title={[text("type") || t("common.error"), text("code")].filter(Boolean).join(" ")} tone="error">
      <Text whiteSpace="pre-wrap">{text("message")}</Text>
      {more ? <JsonView depth={1} value={details} /> : null}
    </Notice>
  );
}

function Decisions({ visit }: { visit: VisitDetail }) {
  if (!visit.next && visit.decisions.length === 0) return null;
  return (
    <Stack gap={1}>
      {visit.decisions.map((each) => (
        <Box key={`${each.condition} ${each.target}`}>
          <Text fontFamily="mono" fontSize="xs" overflowWrap="anywhere">
            {each.result ? "✓" : "✕"} {each.condition} → {each.target}
          </Text>
          {Object.keys(each.operands).length > 0 ? <JsonView depth={1} value={each.operands} /> : null}
        </Box>
      ))}
      {visit.next ? (
        <Text fontSize="xs">
          <Sentence
            parts={{ step: <b>{visit.next === "fail.on_failure" ? t("step.onFailure") : visit.next}</b> }}
            text="step.next"
          />
        </Text>
      ) : null}
    </Stack>
  );
}

function Part({ title, value }: { title: string; value: unknown }) {
  return (
    <Box>
      <Heading as="h5" color="fg.muted" mb={1} size="xs">
        {title}
      </Heading>
      <JsonView depth={2} value={value} />
    </Box>
  );
}

function PeopleActions({ detail }: { detail: StepDetail }) {
  if (detail.actions.length === 0) return null;
  return (
    <Box>
      <Heading as="h4" mb={1} size="xs">
        {t("step.people")}
      </Heading>
      <Stack gap={1}>
        {detail.actions.map((each) => (
          <Text key={`${each.at} ${each.event}`} overflowWrap="anywhere">
            <b>{String(each.actor.name ?? each.actor.id ?? t("step.somebody"))}</b>: {eventName(each.event)}
            {each.message ? ` – ${each.message}` : ""} <Time at={each.at} />
          </Text>
        ))}
      </Stack>
    </Box>
  );
}
