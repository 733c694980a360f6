import { Box, chakra, HStack, Text } from "@chakra-ui/react";
import { useEffect, useMemo, useState } from "react";
import type { InstanceView, TimelineSpan } from "src/api/schema.gen";
import { Empty } from "src/parts/Empty";
import { paletteOf } from "src/parts/StatusBadge";
import { absolute, duration } from "src/parts/times";
import { Windowed } from "src/parts/Windowed";
import { statusName, t } from "src/texts";
import { type Bar, ganttOf, type Row } from "src/workflow/gantt";

const ROW = 30;
const NAME = "min(11rem, 35%)";

type Props = {
  view: InstanceView;
  names: ReadonlyMap<string, string>;
  /** The steps that ask people: their waits are pauses of humans. */
  human: ReadonlySet<string>;
  selected: string | null;
  onSelect: (stepId: string) => void;
  maxHeight?: number;
};

/** When what ran: a row for each step, a bar for each attempt, waits in another colour. */
export function TimelineView({ view, names, human, selected, onSelect, maxHeight = 520 }: Props) {
  const live = view.status === "running" || view.status === "suspended";
  const now = useSeconds(live);
  const gantt = useMemo(() => ganttOf(view, now), [view, now]);
  if (gantt.rows.length === 0) {
    return <Empty title={t("timeline.empty")}>{t("timeline.emptyText")}</Empty>;
  }
  return (
    <Box data-testid="workflow-timeline">
      <HStack gap={2} h={5} pe={3}>
        <Box flexShrink={0} w={NAME} />
        <Box flex="1" position="relative">
          {gantt.ticks.map(({ at, milliseconds }) => (
            <Text
              color="fg.muted"
              fontSize="2xs"
              insetInlineStart={`${at * 100}%`}
              key={milliseconds}
              position="absolute"
              top="-2"
              title={absolute(new Date(gantt.from + milliseconds))}
              whiteSpace="nowrap"
            >
              {milliseconds === 0 ? "0" : duration(milliseconds)}
            </Text>
          ))}
        </Box>
      </HStack>
      <Windowed
        items={gantt.rows}
        keyOf={({ key }) => key}
        label={t("timeline.label")}
        maxHeight={maxHeight}
        row={(row) => (
          <TimelineRow
            human={human.has(row.stepId)}
            name={names.get(row.stepId) ?? row.stepId}
            now={now}
            onSelect={onSelect}
            row={row}
            selected={row.stepId === selected}
          />
        )}
        rowHeight={ROW}
      />
      {view.timeline.complete ? null : (
        <Text color="fg.muted" fontSize="xs" mt={2}>
          {t("timeline.partial")}
        </Text>
      )}
    </Box>
  );
}

type RowProps = {
  row: Row;
  name: string;
  human: boolean;
  selected: boolean;
  now: number;
  onSelect: (stepId: string) => void;
};

function TimelineRow({ row, name, human, selected, now, onSelect }: RowProps) {
  const last = row.bars.at(-1);
  const state = last ? summaryOf(last.span, human, now) : t("timeline.notBegun");
  const label = t(row.kind === "compensation" ? "timeline.compensation" : "timeline.step", { name, state });
  return (
    <chakra.button
      alignItems="center"
      aria-label={
        row.bars.length > 1 ? t("timeline.attempts", { text: label, count: row.bars.length }) : label
      }
      bg={selected ? "bg.emphasized" : undefined}
      cursor="pointer"
      display="flex"
      gap={2}
      h="full"
      onClick={() => onSelect(row.stepId)}
      pe={3}
      rounded="sm"
      textAlign="start"
      type="button"
      w="full"
      _hover={{ bg: "bg.muted" }}
    >
      <Text flexShrink={0} fontSize="xs" px={1} truncate w={NAME}>
        {row.kind === "compensation" ? <span aria-hidden="true">↶ </span> : null}
        {name}
      </Text>
      <Box borderBottomWidth="1px" flex="1" h="full" position="relative">
        {row.bars.map((bar) => (
          <AttemptBar bar={bar} human={human} key={bar.key} now={now} />
        ))}
      </Box>
    </chakra.button>
  );
}

function AttemptBar({ bar, human, now }: { bar: Bar; human: boolean; now: number }) {
  const { span, left, width, waits } = bar;
  const part = { borderRadius: "sm", h: "14px", position: "absolute" as const, top: "8px" };
  const worked = width * (waits ?? 1);
  return (
    <>
      <Box
        {...part}
        bg="colorPalette.solid"
        colorPalette={paletteOf(span.status === "waiting" ? "running" : span.status)}
        data-status={span.status}
        insetInlineStart={`${left * 100}%`}
        minW="3px"
        opacity={span.kind === "compensation" ? 0.6 : 1}
        title={summaryOf(span, human, now)}
        width={`${worked * 100}%`}
      />
      {waits === null ? null : (
        <Box
          {...part}
          bg="colorPalette.solid"
          colorPalette={paletteOf(human ? "open" : "waiting")}
          data-status={human ? "person" : "waiting"}
          insetInlineStart={`${(left + worked) * 100}%`}
          minW="2px"
          opacity={0.55}
          title={summaryOf(span, human, now)}
          width={`${(width - worked) * 100}%`}
        />
      )}
    </>
  );
}

function summaryOf(span: TimelineSpan, human: boolean, now: number): string {
  const start = new Date(span.startedAt);
  const end = span.endedAt ? new Date(span.endedAt).getTime() : now;
  const parts = [
    span.status === "waiting"
      ? human
        ? t("timeline.person")
        : statusName("waiting")
      : statusName(span.status),
    span.visit > 1 || span.attempt > 1
      ? t("timeline.attempt", { visit: span.visit, attempt: span.attempt })
      : "",
    span.scope === "" ? "" : t("log.in", { scope: span.scope }),
    t("timeline.since", { duration: duration(end - start.getTime()), time: absolute(start) }),
    span.waitingSince && span.endedAt
      ? t("timeline.waited", { duration: duration(end - new Date(span.waitingSince).getTime()) })
      : "",
    span.error ? `${span.error.type ?? t("common.error")}: ${span.error.message ?? ""}` : "",
  ];
  return parts.filter(Boolean).join(", ");
}

/** The time, told every second while something is live. */
function useSeconds(live: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!live) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [live]);
  return now;
}
