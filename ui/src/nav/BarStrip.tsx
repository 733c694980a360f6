import { Box, HStack, Text } from "@chakra-ui/react";
import { Link as RouterLink } from "react-router-dom";
import type { RecentInstance } from "src/api/schema.gen";
import { paths } from "src/parts/paths";
import { paletteOf } from "src/parts/StatusBadge";
import { absolute, duration } from "src/parts/times";
import { statusName, t } from "src/texts";

const HIGHEST = 28;
const LOWEST = 6;

/** The height of each bar: by the logarithm of its duration, so that an hour does not hide the seconds. */
export function heights(durations: readonly number[]): number[] {
  const logs = durations.map((each) => Math.log10(Math.max(0, each) + 1000));
  const lowest = Math.min(...logs);
  const range = Math.max(...logs) - lowest;
  return logs.map((each) =>
    Math.round(LOWEST + (HIGHEST - LOWEST) * (range < 0.01 ? 0.5 : (each - lowest) / range)),
  );
}

/** The last instances as bars, the newest last: colour is the status, height the duration. */
export function BarStrip({ items }: { items: readonly RecentInstance[] }) {
  if (items.length === 0) {
    return (
      <Text color="fg.muted" fontSize="xs">
        {t("runs.none")}
      </Text>
    );
  }
  const now = Date.now();
  const lasted = items.map(
    (each) => (each.completedAt === null ? now : Date.parse(each.completedAt)) - Date.parse(each.startedAt),
  );
  const tall = heights(lasted);
  return (
    <HStack
      align="flex-end"
      aria-label={t("runs.last")}
      as="ul"
      gap={0}
      h={`${HIGHEST}px`}
      listStyleType="none"
    >
      {items.map((each, index) => {
        const words = t("runs.one", {
          status: statusName(each.displayStatus),
          time: absolute(new Date(each.startedAt)),
          duration: duration(lasted[index] ?? 0),
        });
        return (
          <Box as="li" key={each.id} lineHeight={0}>
            <Box
              alignItems="flex-end"
              asChild
              display="flex"
              h={`${HIGHEST}px`}
              justifyContent="center"
              w="24px"
            >
              <RouterLink aria-label={words} title={words} to={paths.instance(each.id)}>
                <Box
                  bg="colorPalette.solid"
                  colorPalette={paletteOf(each.displayStatus)}
                  h={`${tall[index]}px`}
                  rounded="2px"
                  w="12px"
                />
              </RouterLink>
            </Box>
          </Box>
        );
      })}
    </HStack>
  );
}
