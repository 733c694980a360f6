import { Code, Stack, Table, Text } from "@chakra-ui/react";
import type { ViewProps } from "src/definition/view";
import { DataTable } from "src/parts/DataTable";
import { Empty } from "src/parts/Empty";
import { Markdown } from "src/parts/Markdown";
import { t } from "src/texts";

/** What starts the workflow by itself. */
export function TriggerView({ document }: ViewProps) {
  const triggers = document.triggers ?? [];
  if (triggers.length === 0) {
    return <Empty title={t("triggers.none")}>{t("triggers.noneText")}</Empty>;
  }
  return (
    <DataTable columns={[t("triggers.pattern"), t("triggers.when"), t("triggers.input")]}>
      {triggers.map((each) => (
        <Table.Row key={JSON.stringify(each)} verticalAlign="top">
          <Table.Cell>
            <Code overflowWrap="anywhere" size="sm" whiteSpace="pre-wrap">
              {typeof each.eventPattern === "string"
                ? each.eventPattern
                : JSON.stringify(each.eventPattern, null, 2)}
            </Code>
          </Table.Cell>
          <Table.Cell>{each.description == null ? "–" : <Markdown text={each.description} />}</Table.Cell>
          <Table.Cell>
            {each.transform == null ? (
              <Text color="fg.muted">{t("triggers.data")}</Text>
            ) : (
              <Stack gap={1}>
                <Text color="fg.muted" fontSize="xs">
                  {each.transform.type}
                </Text>
                <Code overflowWrap="anywhere" size="sm" whiteSpace="pre-wrap">
                  {each.transform.expression}
                </Code>
              </Stack>
            )}
          </Table.Cell>
        </Table.Row>
      ))}
    </DataTable>
  );
}
