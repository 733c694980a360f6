import { Skeleton, Stack } from "@chakra-ui/react";
import type { ReactNode } from "react";
import type { Live } from "src/api/polling";
import { FailureNotice } from "src/parts/FailureNotice";
import { t } from "src/texts";

const LINES = ["a", "b", "c", "d", "e", "f", "g", "h"];

type Props<T> = {
  live: Live<T>;
  children: (data: T) => ReactNode;
  /** Lines of the space that is kept while the first answer is awaited. */
  lines?: number;
};

/** The newest data, whatever happens: a quiet place holder before it, a notice above it when it may be old. */
export function LiveView<T>({ live, children, lines = 3 }: Props<T>) {
  const { data, failure, refresh } = live;
  if (data === null) {
    if (failure !== null) return <FailureNotice failure={failure} onRetry={refresh} />;
    return (
      <Stack aria-busy="true" aria-label={t("common.loading")} role="status">
        {LINES.slice(0, lines).map((line) => (
          <Skeleton height={5} key={line} />
        ))}
      </Stack>
    );
  }
  return (
    <Stack gap={3}>
      {failure === null ? null : <FailureNotice failure={failure} onRetry={refresh} stale />}
      {children(data)}
    </Stack>
  );
}
