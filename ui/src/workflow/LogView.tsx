import { Box, Button, Code, HStack, NativeSelect, Stack, Text } from "@chakra-ui/react";
import { useCallback, useEffect, useRef, useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { InstanceView, LogEntry, LogPage } from "src/api/schema.gen";
import { Empty } from "src/parts/Empty";
import { FailureNotice } from "src/parts/FailureNotice";
import { JsonView } from "src/parts/JsonView";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time } from "src/parts/Time";
import { eventName, t } from "src/texts";

const PAGE = 200;
const LEVELS = { debug: "log.all", info: "log.info", error: "log.errors" } as const;

/** The execution log, oldest first; what comes later is added below. */
export function LogView({ view }: { view: InstanceView }) {
  const [level, setLevel] = useState<keyof typeof LEVELS>("debug");
  const { rows, more, failure, next } = useLog(view, level);
  return (
    <Stack gap={2}>
      <HStack>
        <NativeSelect.Root size="xs" w="12rem">
          <NativeSelect.Field
            aria-label={t("log.which")}
            onChange={(event) => setLevel(event.target.value as keyof typeof LEVELS)}
            value={level}
          >
            {Object.entries(LEVELS).map(([each, words]) => (
              <option key={each} value={each}>
                {t(words)}
              </option>
            ))}
          </NativeSelect.Field>
          <NativeSelect.Indicator />
        </NativeSelect.Root>
      </HStack>
      {failure === null ? null : <FailureNotice failure={failure} onRetry={next} stale={rows.length > 0} />}
      {rows.length === 0 && failure === null ? (
        <Empty title={t("log.empty")}>{t("log.emptyText")}</Empty>
      ) : null}
      <Box as="ol" data-testid="workflow-log">
        {rows.map((row) => (
          <Row key={row.id} row={row} />
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

function Row({ row }: { row: LogEntry }) {
  const where = [row.stepId, row.scope === "" ? null : t("log.in", { scope: row.scope })]
    .filter(Boolean)
    .join(" ");
  const visit = row.visit !== null && row.visit > 1 ? t("log.visit", { number: row.visit }) : "";
  const attempt = row.attempt !== null && row.attempt > 1 ? t("log.attempt", { number: row.attempt }) : "";
  return (
    <Box as="li" borderBottomWidth="1px" py={1}>
      <HStack align="baseline" flexWrap="wrap" gap={2}>
        <Text color="fg.muted" fontSize="xs">
          <Time at={row.at} only="exact" />
        </Text>
        <Text fontWeight="medium">{eventName(row.event)}</Text>
        <Code size="xs" variant="plain">
          {row.event}
        </Code>
        <Text overflowWrap="anywhere">{[where, visit, attempt].filter(Boolean).join(", ")}</Text>
        {row.level === "error" && row.event.endsWith("failed") ? <StatusBadge status="failed" /> : null}
        {row.actor ? <Text>{t("log.by", { user: String(row.actor.name ?? row.actor.id) })}</Text> : null}
        {row.message ? <Text overflowWrap="anywhere">{row.message}</Text> : null}
      </HStack>
      {row.data ? <JsonView depth={0} value={row.data} /> : null}
    </Box>
  );
}

type Log = { rows: LogEntry[]; more: boolean; failure: Failure | null; next: () => void };

function useLog(view: InstanceView, level: string): Log {
  const [rows, setRows] = useState<LogEntry[]>([]);
  const [more, setMore] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const last = useRef(0);
  const busy = useRef<AbortController | null>(null);
  const next = useCallback(() => {
    if (busy.current !== null) return;
    const request = new AbortController();
    busy.current = request;
    const query = { level, after: last.current, limit: PAGE };
    call<LogPage>(`/instances/${encodeURIComponent(view.id)}/log`, { query, signal: request.signal })
      .then(({ items, next: onward }) => {
        last.current = items.at(-1)?.id ?? last.current;
        setRows((known) => [...known, ...items]);
        setMore(onward !== null);
        setFailure(null);
      })
      .catch((error: unknown) => request.signal.aborted || setFailure(asFailure(error)))
      .finally(() => {
        if (busy.current === request) busy.current = null;
      });
  }, [view.id, level]);
  useEffect(() => {
    last.current = 0;
    setRows([]);
    setMore(false);
    next();
    return () => {
      busy.current?.abort();
      busy.current = null;
    };
  }, [next]);
  const changed = useRef(view.updatedAt);
  useEffect(() => {
    // Whoever has all rows sees the new ones come.
    if (changed.current !== view.updatedAt && !more) next();
    changed.current = view.updatedAt;
  }, [view.updatedAt, more, next]);
  return { rows, more, failure, next };
}
