import { Code, Stack, Table, Text } from "@chakra-ui/react";
import type { ViewProps } from "src/definition/view";
import { DataTable } from "src/parts/DataTable";
import { Empty } from "src/parts/Empty";
import { Markdown } from "src/parts/Markdown";
import { t } from "src/texts";

type Trigger = NonNullable<ViewProps["document"]["triggers"]>[number];
type Schedule = Extract<Trigger, { schedule: unknown }>["schedule"];

/** What starts the workflow by itself. */
export function TriggerView({ document }: ViewProps) {
  const triggers = document.triggers ?? [];
  if (triggers.length === 0) {
    return <Empty title={t("triggers.none")}>{t("triggers.noneText")}</Empty>;
  }
  return (
    <DataTable columns={[t("triggers.pattern"), t("triggers.when"), t("triggers.input")]}>
      {triggers.map((each) => {
        const schedule = "schedule" in each ? each.schedule : undefined;
        const input = "schedule" in each ? each.schedule.input : each.transform;
        return (
          <Table.Row key={JSON.stringify(each)} verticalAlign="top">
            <Table.Cell>
              <Code overflowWrap="anywhere" size="sm" whiteSpace="pre-wrap">
                {"schedule" in each ? timesOf(each.schedule) : text(each.eventPattern)}
              </Code>
              {schedule?.catchup === true && (
                <Text color="fg.muted" fontSize="xs">
                  {t("triggers.catchup")}
                </Text>
              )}
            </Table.Cell>
            <Table.Cell>{each.description == null ? "–" : <Markdown text={each.description} />}</Table.Cell>
            <Table.Cell>
              {input == null ? (
                <Text color="fg.muted">{t(schedule === undefined ? "triggers.data" : "triggers.empty")}</Text>
              ) : (
                <Stack gap={1}>
                  <Text color="fg.muted" fontSize="xs">
                    {input.type}
                  </Text>
                  <Code overflowWrap="anywhere" size="sm" whiteSpace="pre-wrap">
                    {input.expression}
                  </Code>
                </Stack>
              )}
            </Table.Cell>
          </Table.Row>
        );
      })}
    </DataTable>
  );
}

/** When a schedule is due, in a line: `0 7 * * 1-5 Europe/Berlin`. */
function timesOf({ cron, every, timetable, timezone, startDate, endDate }: Schedule): string {
  const zone = cron == null ? null : (timezone ?? "UTC");
  const dates = startDate == null && endDate == null ? null : `${text(startDate)} – ${text(endDate)}`;
  return [cron ?? every ?? timetable, zone, dates]
    .filter((part) => part != null)
    .map(text)
    .join(" ");
}

function text(value: unknown): string {
  if (value == null) return "…";
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}
