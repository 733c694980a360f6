import { Badge, Button, HStack, Spacer, Stack, Table, Text } from "@chakra-ui/react";
import { Link as RouterLink } from "react-router-dom";
import { useLive } from "src/api/polling";
import type {
  DefinitionPage,
  DefinitionSummary,
  WorkflowOverview,
  WorkflowOverviews,
} from "src/api/schema.gen";
import { BarStrip } from "src/nav/BarStrip";
import { StatusCounts } from "src/nav/StatusCounts";
import { AppLink } from "src/parts/AppLink";
import { DataTable } from "src/parts/DataTable";
import { Empty } from "src/parts/Empty";
import { FailureNotice } from "src/parts/FailureNotice";
import { LiveView } from "src/parts/LiveView";
import { Pager, usePages } from "src/parts/Pager";
import { paths } from "src/parts/paths";
import { Sentence } from "src/parts/Sentence";
import { TextFilter } from "src/parts/TextFilter";
import { Time } from "src/parts/Time";
import { useParameters } from "src/parts/useParameters";
import { t } from "src/texts";

/** All workflows that the user may read, and how they have been doing; the search is part of the address. */
export function Definitions() {
  const [parameters, setParameters] = useParameters();
  const search = parameters.get("search") ?? "";
  const pages = usePages(search);
  const live = useLive<DefinitionPage>("/definitions", {
    query: { search, after: pages.after, limit: 50 },
    every: 30_000,
  });
  const shown = live.data?.items ?? [];
  const overviews = useLive<WorkflowOverviews>("/overviews", {
    query: { workflowId: shown.map((each) => each.workflowId) },
    every: 5000,
    enabled: shown.length > 0,
  });
  const byId = new Map(overviews.data?.items.map((each) => [each.workflowId, each]));
  return (
    <Stack gap={3}>
      <HStack flexWrap="wrap">
        <TextFilter
          label={t("definitions.search")}
          maxW="sm"
          onChange={(text) => setParameters(text === "" ? {} : { search: text })}
          placeholder={t("definitions.search")}
          type="search"
          value={search}
        />
        <Spacer />
        {live.data?.editable ? (
          <Button asChild size="sm" variant="outline">
            <RouterLink to={paths.nav("new")}>{t("definitions.new")}</RouterLink>
          </Button>
        ) : null}
      </HStack>
      {overviews.failure === null ? null : <FailureNotice failure={overviews.failure} stale />}
      <LiveView lines={6} live={live}>
        {({ items, next }) =>
          items.length > 0 ? (
            <>
              <DefinitionTable byId={byId} items={items} />
              <Pager labels={[t("pages.back"), t("pages.next")]} next={next} pages={pages} />
            </>
          ) : search === "" ? (
            <Empty title={t("definitions.none")}>
              <Sentence
                parts={{ command: <code>airflow-workflows apply FILE</code> }}
                text="definitions.noneText"
              />
            </Empty>
          ) : (
            <Empty title={t("definitions.noMatch")}>{t("definitions.noMatchText")}</Empty>
          )
        }
      </LiveView>
    </Stack>
  );
}

type TableProps = { items: readonly DefinitionSummary[]; byId: ReadonlyMap<string, WorkflowOverview> };

function DefinitionTable({ items, byId }: TableProps) {
  return (
    <DataTable
      columns={[
        t("definitions.workflow"),
        t("definitions.version"),
        {
          label: t("definitions.runs"),
          title: t("definitions.runsText"),
        },
        t("runs.last"),
        t("definitions.changed"),
        { label: t("common.actions"), hidden: true },
      ]}
    >
      {items.map((each) => (
        <DefinitionRow item={each} key={each.workflowId} overview={byId.get(each.workflowId)} />
      ))}
    </DataTable>
  );
}

function DefinitionRow({
  item,
  overview,
}: {
  item: DefinitionSummary;
  overview: WorkflowOverview | undefined;
}) {
  const mayStart = item.active && (overview?.permissions.includes("start") ?? false);
  return (
    <Table.Row data-testid={`definition-${item.workflowId}`} height={12}>
      <Table.Cell maxW="md" minW={40}>
        <AppLink to={paths.definition(item.workflowId)}>{item.name}</AppLink>
        <Text color="fg.muted" fontSize="xs" overflowWrap="anywhere">
          {item.workflowId}
        </Text>
      </Table.Cell>
      <Table.Cell whiteSpace="nowrap">
        {item.version}{" "}
        {item.active ? null : (
          <Badge colorPalette="gray" size="sm">
            {t("definition.inactive")}
          </Badge>
        )}
      </Table.Cell>
      <Table.Cell minW={32}>{overview === undefined ? null : <StatusCounts of={overview} />}</Table.Cell>
      <Table.Cell minW={32}>
        {overview === undefined ? null : <BarStrip items={overview.recent} />}
      </Table.Cell>
      <Table.Cell>
        <Time at={item.updatedAt} />
      </Table.Cell>
      <Table.Cell textAlign="end" w={20}>
        {mayStart ? (
          <Button asChild size="xs" variant="outline">
            <RouterLink
              aria-label={t("definitions.startOne", { name: item.name })}
              to={paths.start(item.workflowId)}
            >
              {t("definition.start")}
            </RouterLink>
          </Button>
        ) : null}
      </Table.Cell>
    </Table.Row>
  );
}
