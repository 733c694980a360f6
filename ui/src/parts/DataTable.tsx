import { Table } from "@chakra-ui/react";
import type { ReactNode } from "react";

type Column =
  | string
  | {
      label: string;
      title?: string;
      hidden?: boolean;
      /** What stands in the heading instead of its label. */
      content?: ReactNode;
      /** Left out where the page is narrower; the cells of the column say the same. */
      hideBelow?: "md";
    };

type Props = {
  /** The headings; a hidden one is for those who cannot see that a column is made of buttons. */
  columns: readonly Column[];
  label?: string | undefined;
  maxW?: string;
  /** Where it is to scroll within this height under its headings. */
  maxH?: string;
  /** Its rows. */
  children: ReactNode;
};

/** A table that scrolls sideways in itself where its place is too narrow. */
export function DataTable({ columns, label, maxW, maxH, children }: Props) {
  return (
    <Table.ScrollArea
      maxH={maxH}
      maxW={maxW}
      tabIndex={maxH === undefined ? undefined : 0}
      whiteSpace="normal"
    >
      <Table.Root aria-label={label} size="sm" stickyHeader={maxH !== undefined}>
        <Table.Header>
          <Table.Row>
            {columns.map((column, index) => {
              const { label, title, hidden, content, hideBelow } =
                typeof column === "string" ? ({ label: column } as Exclude<Column, string>) : column;
              return (
                <Table.ColumnHeader
                  aria-label={hidden ? label : undefined}
                  hideBelow={hideBelow}
                  // biome-ignore lint/suspicious/noArrayIndexKey: columns have no other identity
                  key={index}
                  title={title}
                >
                  {content ?? (hidden ? null : label)}
                </Table.ColumnHeader>
              );
            })}
          </Table.Row>
        </Table.Header>
        <Table.Body>{children}</Table.Body>
      </Table.Root>
    </Table.ScrollArea>
  );
}
