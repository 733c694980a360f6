import { Badge, HStack, Text } from "@chakra-ui/react";
import { Link as RouterLink } from "react-router-dom";
import type { WorkflowOverview } from "src/api/schema.gen";
import { SHOWN, shownCounts } from "src/nav/statistics";
import { paths } from "src/parts/paths";
import { paletteOf } from "src/parts/StatusBadge";
import { statusName, t } from "src/texts";

/** How many instances have each status; each number leads to them. */
export function StatusCounts({ of }: { of: WorkflowOverview }) {
  const counts = shownCounts(of);
  const shown = SHOWN.filter((status) => (counts[status] ?? 0) > 0);
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
            <RouterLink
              aria-label={words}
              title={words}
              to={paths.instances({ workflowId: of.workflowId, status })}
            >
              {words}
            </RouterLink>
          </Badge>
        );
      })}
    </HStack>
  );
}
