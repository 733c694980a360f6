import { Box, HStack, NativeSelect, SimpleGrid, Stack, Table, Text } from "@chakra-ui/react";
import { type ReactNode, useMemo } from "react";
import { useLive } from "src/api/polling";
import type { InstanceStatistics } from "src/api/schema.gen";
import { filterOf, wordsOf } from "src/nav/Causes";
import { StatusBars } from "src/nav/StatusBars";
import { failureRate, PERIODS, type Period, since } from "src/nav/statistics";
import { WorkflowPicker } from "src/nav/WorkflowPicker";
import { AppLink } from "src/parts/AppLink";
import { DataTable } from "src/parts/DataTable";
import { LiveView } from "src/parts/LiveView";
import { paths } from "src/parts/paths";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time } from "src/parts/Time";
import { duration } from "src/parts/times";
import { useParameters } from "src/parts/useParameters";
import { language, t } from "src/texts";
import { nameOfInstance } from "src/workflow/instance";

/** How instances have been doing lately, of all workflows or of one; what is chosen is part of the address. */
export function Overview() {
  const [parameters, setParameters] = useParameters();
  const workflowId = parameters.get("workflowId") ?? "";
  const asked = parameters.get("last") ?? "";
  const last: Period = Object.hasOwn(PERIODS, asked) ? (asked as Period) : "24h";
  const startedFrom = useMemo(() => since(last, Date.now()), [last]);
  const change = (changed: Record<string, string>) => {
    const wanted = Object.entries({ workflowId, last, ...changed });
    setParameters(Object.fromEntries(wanted.filter(([, text]) => text !== "")));
  };
  const { unit } = PERIODS[last];
  const live = useLive<InstanceStatistics>("/statistics", {
    query: { workflowId, startedFrom: startedFrom.toISOString(), unit },
    every: 60_000,
  });
  return (
    <Stack gap={4}>
      <HStack as="search" flexWrap="wrap" gap={3}>
        <WorkflowPicker onChange={(chosen) => change({ workflowId: chosen })} value={workflowId} />
        <NativeSelect.Root size="sm" w="auto">
          <NativeSelect.Field
            aria-label={t("overview.period")}
            onChange={(event) => change({ last: event.target.value })}
            value={last}
          >
            {(Object.keys(PERIODS) as Period[]).map((each) => (
              <option key={each} value={each}>
                {t(`overview.last.${each}`)}
              </option>
            ))}
          </NativeSelect.Field>
          <NativeSelect.Indicator />
        </NativeSelect.Root>
      </HStack>
      <LiveView lines={6} live={live}>
        {(found) => (
          <>
            <Numbers found={found} />
            <StatusBars buckets={found.buckets} from={startedFrom} unit={unit} />
            <SimpleGrid columns={{ base: 1, lg: 3 }} gap={4}>
              <TopCauses found={found} />
              <Waiting found={found} />
              <Questions found={found} />
            </SimpleGrid>
          </>
        )}
      </LiveView>
    </Stack>
  );
}

type Found = { found: InstanceStatistics };

function Numbers({ found }: Found) {
  const { started, rate } = failureRate(found.buckets);
  const { p50, p95 } = found.durations;
  const seconds = (value: number | null) => (value === null ? "–" : duration(1000 * value));
  const percent = new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: 1 });
  const shown: [string, string][] = [
    [t("overview.started"), started.toLocaleString(language())],
    [t("overview.failureRate"), rate === null ? "–" : percent.format(rate)],
    [t("overview.p50"), seconds(p50)],
    [t("overview.p95"), seconds(p95)],
  ];
  return (
    <SimpleGrid as="dl" columns={{ base: 2, md: 4 }} gap={3}>
      {shown.map(([label, value]) => (
        <Box borderWidth="1px" key={label} p={3} rounded="md">
          <Text as="dt" color="fg.muted" fontSize="xs">
            {label}
          </Text>
          <Text as="dd" fontSize="xl" fontWeight="semibold" m={0}>
            {value}
          </Text>
        </Box>
      ))}
    </SimpleGrid>
  );
}

function Part({ title, empty, children }: { title: string; empty: boolean; children: ReactNode }) {
  return (
    <Stack aria-label={title} as="section" gap={1} minW={0}>
      <Text as="h2" fontWeight="semibold">
        {title}
      </Text>
      {empty ? <Text color="fg.muted">{t("common.none")}</Text> : children}
    </Stack>
  );
}

function TopCauses({ found: { causes } }: Found) {
  return (
    <Part empty={causes.length === 0} title={t("overview.causes")}>
      <DataTable columns={[t("common.error"), t("overview.count")]} label={t("overview.causes")}>
        {causes.map((cause) => {
          const { status, ...only } = filterOf(cause);
          const address = paths.instances({ ...(only as Record<string, string>), status: "failed" });
          return (
            <Table.Row key={address}>
              <Table.Cell overflowWrap="anywhere">
                <AppLink to={address}>{wordsOf(cause)}</AppLink>
                <Text color="fg.muted" fontSize="xs">
                  {cause.workflowId}
                </Text>
              </Table.Cell>
              <Table.Cell>{cause.count.toLocaleString(language())}</Table.Cell>
            </Table.Row>
          );
        })}
      </DataTable>
    </Part>
  );
}

function Waiting({ found: { oldestWaiting } }: Found) {
  return (
    <Part empty={oldestWaiting.length === 0} title={t("overview.waiting")}>
      <DataTable columns={[t("common.instance"), t("common.started")]} label={t("overview.waiting")}>
        {oldestWaiting.map((each) => (
          <Table.Row key={each.id}>
            <Table.Cell overflowWrap="anywhere">
              <AppLink to={paths.instance(each.id)}>{nameOfInstance(each)}</AppLink>{" "}
              <StatusBadge status={each.displayStatus} />
              <Text color="fg.muted" fontSize="xs">
                {[each.workflowId, each.currentStepId].filter(Boolean).join(", ")}
              </Text>
            </Table.Cell>
            <Table.Cell>
              <Time at={each.startedAt} />
            </Table.Cell>
          </Table.Row>
        ))}
      </DataTable>
    </Part>
  );
}

function Questions({ found: { asked } }: Found) {
  return (
    <Part empty={asked.length === 0} title={t("overview.questions")}>
      <DataTable
        columns={[t("overview.who"), t("overview.count"), t("overview.oldest")]}
        label={t("overview.questions")}
      >
        {asked.map((each) => (
          <Table.Row key={each.who}>
            <Table.Cell overflowWrap="anywhere">
              {each.who === "anyone" ? t("overview.anyone") : each.who.replace(":", " ")}
            </Table.Cell>
            <Table.Cell>{each.count.toLocaleString(language())}</Table.Cell>
            <Table.Cell>
              <Time at={each.oldest} />
            </Table.Cell>
          </Table.Row>
        ))}
      </DataTable>
    </Part>
  );
}
