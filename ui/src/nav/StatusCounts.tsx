import { Badge, HStack, Text } from "@chakra-ui/react";
import { Link as RouterLink } from "react-router-dom";
import { paths } from "src/parts/paths";
import { paletteOf } from "src/parts/StatusBadge";
import { statusName, t } from "src/texts";

const ORDER = ["running", "suspended", "failed", "completed"] as const;

/** How many instances have each status; each number leads to them. */
export function StatusCounts({ counts, workflowId }: { counts: Record<string, number>; workflowId: string }) {
  const shown = ORDER.filter((status) => (counts[status] ?? 0) > 0);
  if (shown.length === 0) {
    return (
      <Text color="fg.muted" fontSize="xs">
        {t("runs.noneShort")}
      </Text>
    );
  }
  return (
    <HStack flexWrap="wrap" gap={1}>
      {shown.map((status) => {
        const words = t("runs.count", { count: counts[status] ?? 0, status: statusName(status) });
        return (
          <Badge asChild colorPalette={paletteOf(status)} key={status} size="sm" variant="subtle">
            <RouterLink aria-label={words} title={words} to={paths.instances({ workflowId, status })}>
              {words}
            </RouterLink>
          </Badge>
        );
      })}
    </HStack>
  );
}
