import { Box } from "@chakra-ui/react";
import { type ReactNode, useState } from "react";

type Props<T> = {
  items: readonly T[];
  /** Pixels of one row, which all have. */
  rowHeight: number;
  /** Pixels of the list, at most. */
  maxHeight: number;
  row: (item: T, index: number) => ReactNode;
  keyOf: (item: T) => string;
  label: string;
};

const BEYOND = 8;

/** A list of which only the rows in sight are in the page. */
export function Windowed<T>({ items, rowHeight, maxHeight, row, keyOf, label }: Props<T>) {
  const [top, setTop] = useState(0);
  const whole = items.length * rowHeight;
  const height = Math.min(maxHeight, whole);
  const first = Math.max(0, Math.floor(top / rowHeight) - BEYOND);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + BEYOND);
  return (
    <Box
      aria-label={label}
      height={`${height}px`}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      overflowX="hidden"
      overflowY={whole > height ? "auto" : "hidden"}
      role="list"
      tabIndex={whole > height ? 0 : undefined}
    >
      <Box height={`${whole}px`} position="relative">
        {items.slice(first, last).map((item, index) => (
          <Box
            aria-posinset={first + index + 1}
            aria-setsize={items.length}
            height={`${rowHeight}px`}
            insetInline={0}
            key={keyOf(item)}
            position="absolute"
            role="listitem"
            top={`${(first + index) * rowHeight}px`}
          >
            {row(item, first + index)}
          </Box>
        ))}
      </Box>
    </Box>
  );
}
