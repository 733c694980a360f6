import { Button, HStack, Input, Stack, Table, Text } from "@chakra-ui/react";
import { useSearchParams } from "react-router-dom";
import { useLive } from "src/api/polling";
import type { InstancePage, InstanceSummary } from "src/api/schema.gen";
import { type Filter, isFiltered, queryOf, readFilter, STATUSES, toggled, writeFilter } from "src/nav/filter";
import { WorkflowPicker } from "src/nav/WorkflowPicker";
import { AppLink } from "src/parts/AppLink";
import { DataTable } from "src/parts/DataTable";
import { Empty } from "src/parts/Empty";
import { LiveView } from "src/parts/LiveView";
import { Pager, usePages } from "src/parts/Pager";
import { paths } from "src/parts/paths";
import { paletteOf, StatusBadge } from "src/parts/StatusBadge";
import { TextFilter } from "src/parts/TextFilter";
import { Time } from "src/parts/Time";
import { duration } from "src/parts/times";
import { statusName, t } from "src/texts";

/** All instances that the user may read, newest first; the filter is part of the address. */
export function Instances() {
  const [parameters, setParameters] = useSearchParams();
  const filter = readFilter(parameters);
  const change = (changed: Partial<Filter>) =>
    setParameters(writeFilter({ ...filter, ...changed }), { replace: true });
  const pages = usePages(JSON.stringify(filter));
  const live = useLive<InstancePage>("/instances", {
    query: { ...queryOf(filter), after: pages.after, limit: 50 },
    every: pages.number === 1 ? 3000 : 15_000,
  });
  return (
    <Stack gap={3}>
      <FilterBar change={change} clear={() => setParameters({}, { replace: true })} filter={filter} />
      <LiveView lines={8} live={live}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title={isFiltered(filter) ? t("instances.noMatch") : t("instances.none")}>
              {isFiltered(filter) ? t("instances.noMatchText") : t("instances.noneText")}
            </Empty>
          ) : (
            <>
              <InstanceTable items={items} />
              <Pager next={next} pages={pages} />
            </>
          )
        }
      </LiveView>
    </Stack>
  );
}

type FilterProps = { filter: Filter; change: (changed: Partial<Filter>) => void; clear: () => void };

function FilterBar({ filter, change, clear }: FilterProps) {
  return (
    <HStack align="flex-end" as="search" flexWrap="wrap" gap={3}>
      <Field label={t("common.workflow")}>
        <WorkflowPicker onChange={(workflowId) => change({ workflowId })} value={filter.workflowId} />
      </Field>
      <Field label={t("common.status")}>
        <HStack aria-label={t("common.status")} gap={1} role="group">
          {STATUSES.map((status) => (
            <Button
              aria-pressed={filter.status.includes(status)}
              colorPalette={paletteOf(status)}
              key={status}
              onClick={() => change({ status: toggled(filter.status, status) })}
              size="xs"
              variant={filter.status.includes(status) ? "solid" : "outline"}
            >
              {statusName(status)}
            </Button>
          ))}
        </HStack>
      </Field>
      <Field label={t("common.correlationId")}>
        <TextFilter
          label={t("common.correlationId")}
          onChange={(text) => change({ correlationId: text })}
          value={filter.correlationId}
          w={40}
        />
      </Field>
      <Field label={t("instances.from")}>
        <Input
          aria-label={t("instances.from")}
          onChange={(event) => change({ from: event.target.value })}
          size="sm"
          type="date"
          value={filter.from}
          w="auto"
        />
      </Field>
      <Field label={t("instances.untilShort")}>
        <Input
          aria-label={t("instances.until")}
          onChange={(event) => change({ until: event.target.value })}
          size="sm"
          type="date"
          value={filter.until}
          w="auto"
        />
      </Field>
      {isFiltered(filter) ? (
        <Button onClick={clear} size="sm" variant="ghost">
          {t("instances.clear")}
        </Button>
      ) : null}
    </HStack>
  );
}

function Field({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <Stack gap={1}>
      <Text aria-hidden="true" color="fg.muted" fontSize="xs">
        {label}
      </Text>
      {children}
    </Stack>
  );
}

function InstanceTable({ items }: { items: readonly InstanceSummary[] }) {
  return (
    <DataTable
      columns={[
        t("common.status"),
        t("common.workflow"),
        t("common.instance"),
        t("common.correlationId"),
        t("common.step"),
        t("common.started"),
        t("common.duration"),
      ]}
    >
      {items.map((each) => (
        <InstanceRow item={each} key={each.id} />
      ))}
    </DataTable>
  );
}

function InstanceRow({ item }: { item: InstanceSummary }) {
  const end = item.completedAt === null ? Date.now() : Date.parse(item.completedAt);
  return (
    <Table.Row data-testid={`instance-${item.id}`}>
      <Table.Cell>
        <StatusBadge status={item.displayStatus} />
        {item.compensationsOwed > 0 ? <StatusBadge label={t("instance.owed")} status="expired" /> : null}
      </Table.Cell>
      <Table.Cell>
        <AppLink to={paths.definition(item.workflowId)}>{item.workflowId}</AppLink>
        <Text color="fg.muted" fontSize="xs">
          {item.version}
        </Text>
      </Table.Cell>
      <Table.Cell maxW="sm">
        <AppLink to={paths.instance(item)}>{item.runId}</AppLink>
      </Table.Cell>
      <Table.Cell maxW="xs" overflowWrap="anywhere">
        {item.correlationId ?? "–"}
      </Table.Cell>
      <Table.Cell maxW="xs" overflowWrap="anywhere">
        {item.error === null
          ? (item.currentStepId ?? "–")
          : `${item.error.stepId ?? item.currentStepId ?? ""}: ${item.error.type}`}
      </Table.Cell>
      <Table.Cell>
        <Time at={item.startedAt} />
      </Table.Cell>
      <Table.Cell whiteSpace="nowrap">{duration(end - Date.parse(item.startedAt))}</Table.Cell>
    </Table.Row>
  );
}
