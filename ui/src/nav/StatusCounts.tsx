import { Badge, HStack, Text } from "@chakra-ui/react";
import { Link as RouterLink } from "react-router-dom";
import { paths } from "src/parts/paths";
import { paletteOf } from "src/parts/StatusBadge";

const ORDER = ["running", "suspended", "failed", "completed"] as const;

/** How many instances have each status; each number leads to them. */
export function StatusCounts({ counts, workflowId }: { counts: Record<string, number>; workflowId: string }) {
  const shown = ORDER.filter((status) => (counts[status] ?? 0) > 0);
  if (shown.length === 0) {
    return (
      <Text color="fg.muted" fontSize="xs">
        none
      </Text>
    );
  }
  return (
    <HStack flexWrap="wrap" gap={1}>
      {shown.map((status) => (
        <Badge asChild colorPalette={paletteOf(status)} key={status} size="sm" variant="subtle">
          <RouterLink
            aria-label={`${counts[status]} ${status}`}
            title={`${counts[status]} ${status}`}
            to={paths.instances({ workflowId, status })}
          >
            {counts[status]} {status}
          </RouterLink>
        </Badge>
      ))}
    </HStack>
  );
}
