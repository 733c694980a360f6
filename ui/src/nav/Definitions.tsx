import { Badge, Button, HStack, Spacer, Stack, Table, Text } from "@chakra-ui/react";
import { Link as RouterLink, useSearchParams } from "react-router-dom";
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
import { TextFilter } from "src/parts/TextFilter";
import { Time } from "src/parts/Time";

/** All workflows that the user may read, and how they have been doing; the search is part of the address. */
export function Definitions() {
  const [parameters, setParameters] = useSearchParams();
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
          label="Search workflows"
          maxW="sm"
          onChange={(text) => setParameters(text === "" ? {} : { search: text }, { replace: true })}
          placeholder="Search workflows"
          type="search"
          value={search}
        />
        <Spacer />
        <Button asChild size="sm" variant="outline">
          <RouterLink to={paths.nav("new")}>New workflow</RouterLink>
        </Button>
      </HStack>
      {overviews.failure === null ? null : <FailureNotice failure={overviews.failure} stale />}
      <LiveView lines={6} live={live}>
        {({ items, next }) =>
          items.length > 0 ? (
            <>
              <DefinitionTable byId={byId} items={items} />
              <Pager labels={["Back", "Next"]} next={next} pages={pages} />
            </>
          ) : search === "" ? (
            <Empty title="There are no workflows yet">
              Write one with “New workflow”, or publish a file with <code>airflow-workflows apply FILE</code>.
            </Empty>
          ) : (
            <Empty title="No workflow matches">Try fewer words.</Empty>
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
        "Workflow",
        "Version",
        {
          label: "Instances, 7 days",
          title: "All that have not ended, and of the others those of the last 7 days",
        },
        "Last runs",
        "Changed",
        { label: "Actions", hidden: true },
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
            inactive
          </Badge>
        )}
      </Table.Cell>
      <Table.Cell minW={32}>
        {overview === undefined ? null : (
          <StatusCounts counts={overview.counts} workflowId={item.workflowId} />
        )}
      </Table.Cell>
      <Table.Cell minW={32}>
        {overview === undefined ? null : <BarStrip items={overview.recent} />}
      </Table.Cell>
      <Table.Cell>
        <Time at={item.updatedAt} />
      </Table.Cell>
      <Table.Cell textAlign="end" w={20}>
        {mayStart ? (
          <Button asChild size="xs" variant="outline">
            <RouterLink aria-label={`Start ${item.name}`} to={paths.start(item.workflowId)}>
              Start
            </RouterLink>
          </Button>
        ) : null}
      </Table.Cell>
    </Table.Row>
  );
}
