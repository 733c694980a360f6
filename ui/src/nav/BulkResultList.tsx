import { HStack, Stack, Table, Text } from "@chakra-ui/react";
import type { BulkResult } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { DataTable } from "src/parts/DataTable";
import { DownloadButton } from "src/parts/DownloadButton";
import { paths } from "src/parts/paths";
import { StatusBadge } from "src/parts/StatusBadge";
import { t } from "src/texts";

const MOST = 200;
const STATUS: Record<BulkResult["outcome"], string> = {
  done: "completed",
  would: "pending",
  unchanged: "skipped",
  refused: "failed",
};
const ORDER = ["refused", "unchanged", "would", "done"];

/** What became of each instance, or would: first what needs a look. */
export function BulkResultList({ results }: { results: readonly BulkResult[] }) {
  if (results.length === 0) return null;
  const sorted = [...results].sort((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
  return (
    <Stack gap={2}>
      <DataTable
        columns={[t("bulk.result"), t("common.instance"), t("bulk.why")]}
        label={t("bulk.results")}
        maxH="20rem"
      >
        {sorted.slice(0, MOST).map((each) => (
          <Table.Row data-testid={`result-${each.instanceId}`} key={each.instanceId}>
            <Table.Cell>
              <StatusBadge label={t(`bulk.outcome.${each.outcome}`)} status={STATUS[each.outcome]} />
            </Table.Cell>
            <Table.Cell>
              <AppLink to={paths.instance(each.instanceId)}>{each.correlationId ?? each.instanceId}</AppLink>
              <Text color="fg.muted" fontSize="xs">
                {each.workflowId}
              </Text>
            </Table.Cell>
            <Table.Cell overflowWrap="anywhere">{each.detail ?? ""}</Table.Cell>
          </Table.Row>
        ))}
      </DataTable>
      <HStack>
        {results.length > MOST ? (
          <Text color="fg.muted" fontSize="xs">
            {t("bulk.more", { count: results.length - MOST })}
          </Text>
        ) : null}
        <DownloadButton name="results.json" text={JSON.stringify(results, null, 2)} />
      </HStack>
    </Stack>
  );
}
