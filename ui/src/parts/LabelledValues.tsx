import { Box, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";

export type LabelledValue = { label: string; content: ReactNode };

/** Values with their labels beside them, or above them where the page is narrow. */
export function LabelledValues({ values }: { values: readonly LabelledValue[] }) {
  return (
    <Box
      as="dl"
      display="grid"
      gapX={4}
      gapY={1}
      gridTemplateColumns={{ base: "1fr", sm: "minmax(6rem, max-content) 1fr" }}
    >
      {values.map(({ label, content }, index) => (
        // Labels may be there twice, and values never change their order.
        // biome-ignore lint/suspicious/noArrayIndexKey: see above
        <Box display="contents" key={index}>
          <Text as="dt" color="fg.muted" fontSize="xs" overflowWrap="anywhere" pt="2px">
            {label}
          </Text>
          <Box as="dd" minW={0}>
            {content}
          </Box>
        </Box>
      ))}
    </Box>
  );
}
