import { Badge } from "@chakra-ui/react";
import { statusName } from "src/texts";

// Airflow's own colours of states, so that the same thing looks the same on every page.
const PALETTES: Record<string, string> = {
  completed: "success",
  running: "running",
  failed: "failed",
  suspended: "awaiting_input",
  waiting: "deferred",
  retrying: "up_for_retry",
  skipped: "skipped",
  pending: "queued",
  queued: "queued",
  started: "success",
  dead: "failed",
  open: "awaiting_input",
  answered: "success",
  expired: "failed",
  withdrawn: "removed",
  compensated: "removed",
  cancelled: "removed",
};

export function paletteOf(status: string): string {
  return PALETTES[status] ?? "gray";
}

/** A status in words, with the colour that Airflow gives it. */
export function StatusBadge({ status, label }: { status: string; label?: string }) {
  return (
    <Badge colorPalette={paletteOf(status)} size="sm" variant="subtle">
      {label ?? statusName(status)}
    </Badge>
  );
}
