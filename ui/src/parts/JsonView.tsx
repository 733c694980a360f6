import { Box, Button, chakra, HStack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { t } from "src/texts";

const SHOWN = 200;

/** A JSON document as a tree whose parts fold; strings are shown as text, whatever is in them. */
export function JsonView({ value, depth = 2 }: { value: unknown; depth?: number }) {
  return (
    <Box fontFamily="mono" fontSize="xs" overflowX="auto">
      <Part depth={depth} value={value} />
    </Box>
  );
}

function Part({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
  const [open, setOpen] = useState(depth > 0);
  const [all, setAll] = useState(false);
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    return (
      <Text as="div" overflowWrap="anywhere" whiteSpace="pre-wrap">
        <Name name={name} />
        <Leaf value={value} />
      </Text>
    );
  }
  const entries = Object.entries(value);
  const shown = all ? entries : entries.slice(0, SHOWN);
  const size = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  return (
    <Box>
      <chakra.button
        aria-expanded={open}
        cursor="pointer"
        onClick={() => setOpen(!open)}
        textAlign="start"
        type="button"
      >
        <chakra.span aria-hidden="true" color="fg.muted" display="inline-block" w={3}>
          {open ? "▾" : "▸"}
        </chakra.span>
        <Name name={name} />
        <chakra.span color="fg.muted">{size}</chakra.span>
      </chakra.button>
      {open ? (
        <Box borderInlineStartWidth="1px" ms={1} ps={3}>
          {shown.map(([key, each]) => (
            <Part depth={depth - 1} key={key} name={key} value={each} />
          ))}
          {shown.length < entries.length ? (
            <HStack>
              <Button onClick={() => setAll(true)} size="2xs" variant="ghost">
                {t("json.showMore", { count: entries.length - shown.length })}
              </Button>
            </HStack>
          ) : null}
        </Box>
      ) : null}
    </Box>
  );
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : <chakra.span color="fg.info">{name}: </chakra.span>;
}

function Leaf({ value }: { value: unknown }) {
  const color = typeof value === "string" ? "fg.success" : "fg.warning";
  return <chakra.span color={color}>{JSON.stringify(value)}</chakra.span>;
}
