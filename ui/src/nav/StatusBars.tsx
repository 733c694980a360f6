import { Box, HStack, Stack, Text } from "@chakra-ui/react";
import type { Bucket } from "src/api/schema.gen";
import { filled, SHOWN, type Unit } from "src/nav/statistics";
import { paletteOf } from "src/parts/StatusBadge";
import { moment } from "src/parts/times";
import { statusName, t } from "src/texts";

const HIGHEST = 120;

/** Instances by hour or day as bars, each divided by status; what a bar says is read aloud as well. */
export function StatusBars({ buckets, from, unit }: { buckets: readonly Bucket[]; from: Date; unit: Unit }) {
  const parts = filled(buckets, from, unit, Date.now());
  const totals = parts.map(({ counts }) => SHOWN.reduce((sum, name) => sum + (counts[name] ?? 0), 0));
  const most = Math.max(1, ...totals);
  return (
    <Stack gap={2}>
      <HStack
        align="flex-end"
        aria-label={t(unit === "hour" ? "overview.byHour" : "overview.byDay")}
        as="ul"
        borderBottomWidth="1px"
        gap="2px"
        h={`${HIGHEST + 4}px`}
        listStyleType="none"
      >
        {parts.map(({ start, counts }, index) => {
          const shown = SHOWN.filter((name) => (counts[name] ?? 0) > 0);
          const numbers = shown.map((name) =>
            t("runs.count", { count: counts[name] ?? 0, status: statusName(name) }),
          );
          const words = `${moment(start)}: ${numbers.join(", ") || t("common.none")}`;
          return (
            <Box
              aria-label={words}
              as="li"
              flex="1"
              h={`${(HIGHEST * (totals[index] ?? 0)) / most}px`}
              key={start.getTime()}
              minW={0}
              title={words}
            >
              {shown.map((name) => (
                <Box
                  bg="colorPalette.solid"
                  colorPalette={paletteOf(name)}
                  h={`${(100 * (counts[name] ?? 0)) / (totals[index] ?? 1)}%`}
                  key={name}
                />
              ))}
            </Box>
          );
        })}
      </HStack>
      <HStack color="fg.muted" fontSize="xs" gap={4} justify="space-between">
        <Text>{moment(from)}</Text>
        <HStack flexWrap="wrap" gap={3} justify="flex-end">
          {SHOWN.map((name) => (
            <HStack gap={1} key={name}>
              <Box bg="colorPalette.solid" colorPalette={paletteOf(name)} h={2} rounded="2px" w={2} />
              {statusName(name)}
            </HStack>
          ))}
        </HStack>
      </HStack>
    </Stack>
  );
}
