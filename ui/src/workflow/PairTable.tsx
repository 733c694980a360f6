import { Box, chakra, Stack, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { t } from "src/texts";
import type { Pair, Verdict } from "src/workflow/compare";

export type PairRow = { key: string; name: ReactNode; cells: Pair<ReactNode>; verdict: Verdict };

type Props = {
  label: string;
  /** What the two columns are of. */
  heads: Pair<ReactNode>;
  rows: readonly PairRow[];
};

// Where the page is narrow, the name of a row stands above its two values.
const COLUMNS = { base: "1fr 1fr", md: "minmax(8rem, 1fr) 2fr 2fr" };
const NAME = { base: "1 / -1", md: "auto" };

/** Two values in each row, side by side; rows that differ are marked. */
export function PairTable({ label, heads, rows }: Props) {
  return (
    <Box aria-label={label} role="table">
      <Row>
        <Box gridColumn={NAME} hideBelow="md" role="columnheader">
          <chakra.span srOnly>{label}</chakra.span>
        </Box>
        {heads.map((head, side) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the first and the second instance
          <Box key={side} minW={0} overflowWrap="anywhere" role="columnheader">
            {head}
          </Box>
        ))}
      </Row>
      {rows.map(({ key, name, cells, verdict }) => (
        <Row key={key} verdict={verdict}>
          <Stack gap={0} gridColumn={NAME} minW={0} role="rowheader">
            <Text fontWeight="medium" overflowWrap="anywhere">
              {name}
            </Text>
            <Mark verdict={verdict} />
          </Stack>
          {cells.map((cell, side) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the first and the second instance
            <Box key={side} minW={0} overflowWrap="anywhere" role="cell">
              {cell}
            </Box>
          ))}
        </Row>
      ))}
    </Box>
  );
}

function Row({ verdict, children }: { verdict?: Verdict; children: ReactNode }) {
  return (
    <Box
      borderBottomWidth="1px"
      borderInlineStartColor={verdict === "differs" ? "fg.warning" : "transparent"}
      borderInlineStartWidth="3px"
      columnGap={3}
      data-verdict={verdict}
      display="grid"
      gridTemplateColumns={COLUMNS}
      ps={2}
      py={1}
      role="row"
    >
      {children}
    </Box>
  );
}

function Mark({ verdict }: { verdict: Verdict }) {
  if (verdict === "same") return null;
  return (
    <Text color={verdict === "differs" ? "fg.warning" : "fg.muted"} fontSize="xs">
      {t(verdict === "differs" ? "compare.differs" : "compare.masked")}
    </Text>
  );
}
