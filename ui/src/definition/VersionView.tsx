import { Badge, Box, Button, Code, chakra, HStack, Stack, Table, Text } from "@chakra-ui/react";
import { useState } from "react";
import { useLive } from "src/api/polling";
import type { Change, Diff, Publications } from "src/api/schema.gen";
import type { ViewProps } from "src/definition/view";
import { Choice } from "src/parts/Choice";
import { DataTable } from "src/parts/DataTable";
import { Empty } from "src/parts/Empty";
import { LiveView } from "src/parts/LiveView";
import { Time } from "src/parts/Time";
import { t } from "src/texts";

/** What was published, and where two versions differ. */
export function VersionView({ definition }: ViewProps) {
  const live = useLive<Publications>(`/definitions/${encodeURIComponent(definition.workflowId)}/versions`);
  return (
    <LiveView live={live}>
      {({ items }) => (
        <Versions current={definition.version} items={items} workflowId={definition.workflowId} />
      )}
    </LiveView>
  );
}

type Props = { workflowId: string; current: string; items: Publications["items"] };

function Versions({ workflowId, current, items }: Props) {
  const versions = [...new Set(items.map((each) => each.version))];
  const [older, setOlder] = useState(versions.find((each) => each !== current) ?? current);
  const [newer, setNewer] = useState(current);
  return (
    <Stack gap={5}>
      <DataTable
        columns={[t("versions.version"), t("versions.published"), t("versions.by"), t("versions.compare")]}
        maxW="3xl"
      >
        {items.map((each, index) => (
          <Table.Row key={each.revision}>
            <Table.Cell>
              {each.version}{" "}
              {index === 0 ? (
                <Badge colorPalette="success" size="sm">
                  {t("versions.current")}
                </Badge>
              ) : null}
            </Table.Cell>
            <Table.Cell>
              <Time at={each.createdAt} />
            </Table.Cell>
            <Table.Cell>{each.createdBy ?? "–"}</Table.Cell>
            <Table.Cell>
              {each.version === current ? null : (
                <Button
                  aria-label={t("versions.compareOne", { version: each.version })}
                  onClick={() => {
                    setOlder(each.version);
                    setNewer(current);
                  }}
                  size="2xs"
                  variant="outline"
                >
                  {t("versions.compareCurrent")}
                </Button>
              )}
            </Table.Cell>
          </Table.Row>
        ))}
      </DataTable>
      {versions.length < 2 ? (
        <Text color="fg.muted">{t("versions.only")}</Text>
      ) : (
        <Stack gap={3}>
          <HStack flexWrap="wrap">
            <Text>{t("versions.from")}</Text>
            <Choice
              choices={versions}
              label={t("versions.older")}
              onChange={setOlder}
              value={older}
              width="auto"
            />
            <Text>{t("versions.to")}</Text>
            <Choice
              choices={versions}
              label={t("versions.newer")}
              onChange={setNewer}
              value={newer}
              width="auto"
            />
          </HStack>
          <Difference newer={newer} older={older} workflowId={workflowId} />
        </Stack>
      )}
    </Stack>
  );
}

function Difference({ workflowId, older, newer }: { workflowId: string; older: string; newer: string }) {
  const live = useLive<Diff>(`/definitions/${encodeURIComponent(workflowId)}/diff`, {
    query: { old: older, new: newer },
  });
  return (
    <LiveView live={live}>
      {({ changes }) =>
        changes.length === 0 ? (
          <Empty title={t("versions.same")}>{t("versions.sameText")}</Empty>
        ) : (
          <Stack as="ol" gap={3} listStyleType="none">
            {changes.map((each) => (
              <ChangeItem change={each} key={`${each.change} ${each.pointer}`} />
            ))}
          </Stack>
        )
      }
    </LiveView>
  );
}

const PALETTES = { added: "success", removed: "failed", changed: "info" } as const;

function ChangeItem({ change }: { change: Change }) {
  return (
    <Stack as="li" borderWidth="1px" data-testid="change" gap={2} p={2} rounded="md">
      <HStack>
        <Badge colorPalette={PALETTES[change.change]} size="sm">
          {t(`change.${change.change}`)}
        </Badge>
        <Code overflowWrap="anywhere" size="sm" variant="plain">
          {change.pointer === "" ? t("versions.whole") : change.pointer}
        </Code>
      </HStack>
      <Box fontFamily="mono" fontSize="xs" overflowX="auto">
        {change.change === "added" ? null : <Side palette="failed" sign="−" value={change.old} />}
        {change.change === "removed" ? null : <Side palette="success" sign="+" value={change.new} />}
      </Box>
    </Stack>
  );
}

function Side({ sign, value, palette }: { sign: string; value: unknown; palette: string }) {
  return (
    <chakra.pre
      bg="colorPalette.subtle"
      color="colorPalette.fg"
      colorPalette={palette}
      px={2}
      whiteSpace="pre-wrap"
    >
      {JSON.stringify(value, null, 2)
        .split("\n")
        .map((line) => `${sign} ${line}`)
        .join("\n")}
    </chakra.pre>
  );
}
