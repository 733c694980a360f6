import { Box, chakra, HStack, Stack, Text } from "@chakra-ui/react";
import { pieces } from "src/definition/pieces";
import type { ViewProps } from "src/definition/view";
import { textOf } from "src/definition/written";
import { CopyButton } from "src/parts/CopyButton";
import { DownloadButton } from "src/parts/DownloadButton";
import { Sentence } from "src/parts/Sentence";
import { Time } from "src/parts/Time";
import { t } from "src/texts";

/** The document itself. */
export function DocumentView({ definition }: ViewProps) {
  const text = textOf(definition);
  return (
    <Stack gap={2}>
      <HStack flexWrap="wrap">
        <CopyButton text={text} />
        <DownloadButton name={`${definition.workflowId}-${definition.version}.json`} text={text} />
        <Text color="fg.muted" fontSize="xs">
          <Sentence
            parts={{ time: <Time at={definition.createdAt} />, user: definition.createdBy }}
            text={definition.createdBy === null ? "editor.publishedAt" : "editor.publishedBy"}
          />
        </Text>
      </HStack>
      <JsonText text={text} />
    </Stack>
  );
}

const COLORS: Record<string, string> = { key: "fg.info", string: "fg.success", other: "fg.warning" };

/** JSON as it is written, with colours. */
export function JsonText({ text }: { text: string }) {
  return (
    <Box
      aria-label={t("editor.document")}
      as="pre"
      bg="bg.subtle"
      borderWidth="1px"
      fontFamily="mono"
      fontSize="xs"
      maxH="70vh"
      overflow="auto"
      p={3}
      role="region"
      rounded="md"
      tabIndex={0}
    >
      {pieces(text).map((piece) =>
        piece.kind === "plain" ? (
          piece.text
        ) : (
          <chakra.span color={COLORS[piece.kind]} key={piece.from}>
            {piece.text}
          </chakra.span>
        ),
      )}
    </Box>
  );
}
