import { Box, Button, Code, HStack, NativeSelect, Spacer, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import type { InstanceView, LogEntry } from "src/api/schema.gen";
import { DownloadButton } from "src/parts/DownloadButton";
import { Empty } from "src/parts/Empty";
import { FailureNotice } from "src/parts/FailureNotice";
import { JsonView } from "src/parts/JsonView";
import { TextFilter } from "src/parts/TextFilter";
import { Time } from "src/parts/Time";
import { t } from "src/texts";
import { hasWords, storyOf } from "src/workflow/story";
import { useLog, wholeLog } from "src/workflow/useLog";

const LEVELS = { debug: "log.all", info: "log.info", error: "log.errors" } as const;
type Level = keyof typeof LEVELS;

type Props = { view: InstanceView; names: ReadonlyMap<string, string> };

/** The execution log as a story, oldest first; what comes later is added below. */
export function LogView({ view, names }: Props) {
  const [level, setLevel] = useState<Level>("info");
  const [search, setSearch] = useState("");
  const { rows, more, failure, next } = useLog(view, level, search !== "");
  const told = rows
    .map((row) => ({ row, story: storyOf(row, names) }))
    .filter(({ row, story }) => hasWords(row, story, search));
  return (
    <Stack gap={2}>
      <HStack flexWrap="wrap" gap={2}>
        <Levels onChange={setLevel} value={level} />
        <TextFilter
          label={t("log.search")}
          onChange={setSearch}
          placeholder={t("log.search")}
          type="search"
          value={search}
          w={{ base: "full", sm: 56 }}
        />
        <Spacer />
        <DownloadButton name={`log-${view.id}.json`} text={() => wholeLog(view.id, level)} />
      </HStack>
      {failure === null ? null : <FailureNotice failure={failure} onRetry={next} stale={rows.length > 0} />}
      {rows.length === 0 && failure === null ? (
        <Empty title={t("log.empty")}>{t("log.emptyText")}</Empty>
      ) : null}
      {search === "" ? null : (
        <Text aria-live="polite" color="fg.muted" fontSize="xs">
          {t("log.found", { count: told.length })}
        </Text>
      )}
      <Box as="ol" data-testid="workflow-log" listStyleType="none">
        {told.map(({ row, story }) => (
          <Row key={row.id} row={row} story={story} />
        ))}
      </Box>
      {more ? (
        <Button alignSelf="flex-start" onClick={next} size="xs" variant="outline">
          {t("log.more")}
        </Button>
      ) : null}
    </Stack>
  );
}

function Levels({ value, onChange }: { value: Level; onChange: (level: Level) => void }) {
  return (
    <NativeSelect.Root size="sm" w={{ base: "full", sm: "12rem" }}>
      <NativeSelect.Field
        aria-label={t("log.which")}
        onChange={(event) => onChange(event.target.value as Level)}
        value={value}
      >
        {Object.entries(LEVELS).map(([each, words]) => (
          <option key={each} value={each}>
            {t(words)}
          </option>
        ))}
      </NativeSelect.Field>
      <NativeSelect.Indicator />
    </NativeSelect.Root>
  );
}

/** One sentence, and behind it what the log has in full. */
function Row({ row, story }: { row: LogEntry; story: string }) {
  const [open, setOpen] = useState(false);
  const failed = row.level === "error" && row.event.endsWith("failed");
  return (
    <Box as="li" borderBottomWidth="1px" data-event={row.event} py={1}>
      <HStack align="baseline" flexWrap="wrap" gap={2}>
        <Text color="fg.muted" fontSize="xs">
          <Time at={row.at} only="exact" />
        </Text>
        <Text
          color={failed ? "fg.error" : undefined}
          flex="1 1 12rem"
          minW={0}
          overflowWrap="anywhere"
          whiteSpace="pre-wrap"
        >
          {story}
        </Text>
        <Button
          aria-expanded={open}
          aria-label={t("log.detailsOf", { story })}
          onClick={() => setOpen(!open)}
          size="2xs"
          variant="ghost"
        >
          {t("log.details")}
        </Button>
      </HStack>
      {open ? (
        <Box pb={2}>
          <Code size="xs">{row.event}</Code>
          {row.data ? <JsonView depth={1} value={row.data} /> : null}
        </Box>
      ) : null}
    </Box>
  );
}
