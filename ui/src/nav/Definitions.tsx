import { Badge, Button, HStack, Spacer, Stack, Table, Text } from "@chakra-ui/react";
import { useState } from "react";
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
import { paths } from "src/parts/paths";
import { TextFilter } from "src/parts/TextFilter";
import { Time } from "src/parts/Time";

const SHOWN = 50;

/** The workflows whose id, name or description has all the words. */
export function matching(items: readonly DefinitionSummary[], search: string): DefinitionSummary[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return items.filter((each) => {
    const text = `${each.workflowId} ${each.name} ${each.description ?? ""}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** All workflows that the user may read, and how they have been doing; the search is part of the address. */
export function Definitions() {
  const [parameters, setParameters] = useSearchParams();
  const search = parameters.get("search") ?? "";
  const [page, setPage] = useState(0);
  const live = useLive<DefinitionPage>("/definitions", { query: { limit: 1000 }, every: 30_000 });
  const found = matching(live.data?.items ?? [], search);
  const last = Math.max(0, Math.ceil(found.length / SHOWN) - 1);
  const shown = found.slice(Math.min(page, last) * SHOWN, (Math.min(page, last) + 1) * SHOWN);
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
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="There are no workflows yet">
              Write one with “New workflow”, or publish a file with <code>airflow-workflows apply FILE</code>.
            </Empty>
          ) : shown.length === 0 ? (
            <Empty title="No workflow matches">Try fewer words.</Empty>
          ) : (
            <DefinitionTable byId={byId} items={shown} />
          )
        }
      </LiveView>
      {last === 0 ? null : (
        <HStack aria-label="Pages" as="nav" justify="flex-end">
          <Button
            disabled={page <= 0}
            onClick={() => setPage(Math.min(page, last) - 1)}
            size="xs"
            variant="outline"
          >
            Back
          </Button>
          <Text color="fg.muted" fontSize="xs">
            Page {Math.min(page, last) + 1} of {last + 1}
          </Text>
          <Button disabled={page >= last} onClick={() => setPage(page + 1)} size="xs" variant="outline">
            Next
          </Button>
        </HStack>
      )}
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
