import { Heading, HStack, Stack, Text } from "@chakra-ui/react";
import { type ReactNode, useState } from "react";
import type { Instance as Documents, InstanceView, StepState } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { CheckField } from "src/parts/CheckField";
import { JsonView } from "src/parts/JsonView";
import { LiveView } from "src/parts/LiveView";
import { Notice } from "src/parts/Notice";
import { paths } from "src/parts/paths";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time, useNow } from "src/parts/Time";
import { duration } from "src/parts/times";
import { usePageTitle } from "src/parts/usePageTitle";
import { t } from "src/texts";
import { durationOf, type Pair, partingOf, stepRows, type ValueRow, valueRows } from "src/workflow/compare";
import { nameOfInstance } from "src/workflow/instance";
import { type PairRow, PairTable } from "src/workflow/PairTable";
import { useDocuments } from "src/workflow/useDocuments";

type Names = ReadonlyMap<string, string>;
type Props = { views: Pair<InstanceView>; names: Names };

/** Two instances side by side: how each ran, and what it was given and gave. */
export function Comparison({ views, names }: Props) {
  const [left, right] = views;
  const facts = useFacts(views);
  const documents = [useDocuments(left), useDocuments(right)] as const;
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  usePageTitle(t("compare.title"), `${nameOfInstance(left)} – ${nameOfInstance(right)}`);
  const heads = [<Head key="left" view={left} />, <Head key="right" view={right} />] as const;
  const section = (title: string, rows: readonly PairRow[]) => (
    <Section heads={heads} onlyDifferent={onlyDifferent} rows={rows} title={title} />
  );
  return (
    <Stack gap={5}>
      <HStack flexWrap="wrap" gap={4} justify="space-between">
        <Heading as="h2" size="md">
          {t("compare.title")}
        </Heading>
        <CheckField checked={onlyDifferent} label={t("compare.onlyDifferent")} onChange={setOnlyDifferent} />
      </HStack>
      {left.workflowId === right.workflowId ? null : (
        <Notice title={t("compare.otherWorkflow")} tone="warning" />
      )}
      {section(t("compare.outcome"), facts)}
      <Stack gap={2}>
        <PathSentence names={names} views={views} />
        {section(t("compare.path"), pathRows(views, names))}
      </Stack>
      <LiveView live={documents[0]}>
        {(first) => (
          <LiveView live={documents[1]}>
            {(second) => (
              <>
                {PARTS.map(({ title, of }) => {
                  const rows = valueRows(of(first), of(second)).map((row) => valueRow(row, t(title)));
                  return <Stack key={title}>{section(t(title), rows)}</Stack>;
                })}
              </>
            )}
          </LiveView>
        )}
      </LiveView>
    </Stack>
  );
}

const PARTS = [
  { title: "step.input", of: ({ input }: Documents) => input },
  { title: "step.output", of: ({ output }: Documents) => output },
  { title: "common.error", of: ({ error }: Documents) => error },
] as const;

function Head({ view }: { view: InstanceView }) {
  return <AppLink to={paths.instance(view.id)}>{nameOfInstance(view)}</AppLink>;
}

type SectionProps = {
  title: string;
  heads: Pair<ReactNode>;
  rows: readonly PairRow[];
  onlyDifferent: boolean;
};

function Section({ title, heads, rows, onlyDifferent }: SectionProps) {
  const different = rows.filter(({ verdict }) => verdict === "differs");
  const shown = onlyDifferent ? different : rows;
  const count =
    different.length === 0 ? t("compare.same") : t("compare.differences", { count: different.length });
  return (
    <Stack aria-label={title} as="section" gap={1}>
      <HStack align="baseline" gap={3}>
        <Heading as="h3" size="sm">
          {title}
        </Heading>
        <Text color="fg.muted" fontSize="xs">
          {rows.length === 0 ? t("common.none") : count}
        </Text>
      </HStack>
      {shown.length === 0 ? null : <PairTable heads={heads} label={title} rows={shown} />}
    </Stack>
  );
}

/** What the instances are and how they ended. */
function useFacts(views: Pair<InstanceView>): PairRow[] {
  const now = useNow().getTime();
  const row = (
    key: string,
    name: string,
    of: (view: InstanceView) => string,
    content: (view: InstanceView) => ReactNode = of,
  ): PairRow => {
    const [left, right] = views;
    const verdict = of(left) === of(right) ? "same" : "differs";
    return { key, name, cells: [content(left), content(right)], verdict };
  };
  return [
    row(
      "status",
      t("common.status"),
      ({ displayStatus }) => displayStatus,
      ({ displayStatus }) => <StatusBadge status={displayStatus} />,
    ),
    row(
      "workflow",
      t("common.workflow"),
      ({ workflowId, version }) => `${workflowId} ${version}`,
      ({ workflowName, version }) => `${workflowName} ${version}`,
    ),
    row("duration", t("common.duration"), (view) => duration(durationOf(view, now))),
    row("startedBy", t("instances.startedBy"), ({ startedBy }) => startedBy ?? t("task.nobody")),
    // Two instances never start at the same time, which is no difference to look at.
    row(
      "started",
      t("common.started"),
      () => "",
      ({ startedAt }) => <Time at={startedAt} only="moment" />,
    ),
  ];
}

function PathSentence({ views, names }: Props) {
  const parting = partingOf(stepRows(views));
  if (parting === null) return null;
  const [left, right] = parting.next.map((each) => nameOfNext(each, names));
  return (
    <Notice
      title={t("compare.parting", {
        step: names.get(parting.stepId) ?? parting.stepId,
        left,
        right,
      })}
    />
  );
}

function pathRows(views: Pair<InstanceView>, names: Names): PairRow[] {
  return stepRows(views).map(({ stepId, states: [left, right], verdict }) => ({
    key: stepId,
    name: names.get(stepId) ?? stepId,
    cells: [
      <Reached key="left" names={names} state={left} />,
      <Reached key="right" names={names} state={right} />,
    ],
    verdict,
  }));
}

/** How a step went, and where the instance went from it. */
function Reached({ state, names }: { state: StepState | null; names: Names }) {
  if (state === null) return <Text color="fg.muted">{t("step.notReached")}</Text>;
  const { visits, attempts, next, error, startedAt, completedAt } = state;
  const parts = [
    visits > 1 ? t("graph.visits", { count: visits }) : "",
    attempts > visits ? t("compare.attempts", { count: attempts }) : "",
    startedAt != null && completedAt != null ? duration(Date.parse(completedAt) - Date.parse(startedAt)) : "",
    next == null ? "" : t("log.next", { step: nameOfNext(next, names) }),
  ];
  return (
    <Stack align="flex-start" gap={0}>
      <StatusBadge status={state.status} />
      <Text color="fg.muted" fontSize="xs">
        {parts.filter(Boolean).join(", ")}
      </Text>
      {error == null ? null : (
        <Text fontSize="xs" overflowWrap="anywhere">
          {[error.type, error.code, error.message].filter(Boolean).join(" ")}
        </Text>
      )}
    </Stack>
  );
}

function nameOfNext(next: string, names: Names): string {
  if (next === "fail.on_failure") return t("step.onFailure");
  return names.get(next) ?? (next === "end" ? t("compare.end") : next);
}

function valueRow({ name, values: [left, right], verdict }: ValueRow, whole: string): PairRow {
  return {
    key: name,
    name: name === "" ? whole : name,
    cells: [<ValueCell key="left" value={left} />, <ValueCell key="right" value={right} />],
    verdict,
  };
}

function ValueCell({ value }: { value: unknown }) {
  return value === undefined ? <Text color="fg.muted">–</Text> : <JsonView depth={1} value={value} />;
}
