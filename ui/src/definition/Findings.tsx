import { Badge, Button, Code, HStack, Stack, Text } from "@chakra-ui/react";
import type { Finding } from "src/api/schema.gen";
import { t } from "src/texts";

type Props = {
  findings: readonly Finding[];
  /** Puts the reader at the place of a finding. */
  onGo?: (finding: Finding) => void;
  /** The line of a finding, where there is a text beside. */
  lineOf?: (finding: Finding) => number | null;
  /** What can be done about a finding, where there is a text to be changed. */
  fixOf?: (finding: Finding) => { title: string; apply: () => void } | null;
};

/** What is wrong or questionable, and what to do about it. */
export function Findings({ findings, onGo, lineOf, fixOf }: Props) {
  return (
    <Stack as="ul" gap={2} listStyleType="none">
      {findings.map((each) => {
        const line = lineOf?.(each) ?? null;
        const fix = fixOf?.(each) ?? null;
        return (
          <HStack align="flex-start" as="li" key={`${each.code} ${each.pointer} ${each.message}`}>
            <Badge colorPalette={each.severity === "error" ? "failed" : "warning"} flexShrink={0} size="sm">
              {t(`severity.${each.severity}`)}
            </Badge>
            <Stack gap={0} minW={0}>
              <Text overflowWrap="anywhere">{each.message}</Text>
              {each.suggestion == null ? null : (
                <Text color="fg.muted" overflowWrap="anywhere">
                  {each.suggestion}
                </Text>
              )}
              <HStack color="fg.muted" flexWrap="wrap" fontSize="xs">
                <span>{each.code}</span>
                {each.pointer === "" ? null : <Code size="xs">{each.pointer}</Code>}
                {onGo === undefined || line === null ? null : (
                  <Button onClick={() => onGo(each)} size="2xs" variant="ghost">
                    {t("editor.line", { line })}
                  </Button>
                )}
                {fix === null ? null : (
                  <Button onClick={fix.apply} size="2xs" variant="outline">
                    {fix.title}
                  </Button>
                )}
              </HStack>
            </Stack>
          </HStack>
        );
      })}
    </Stack>
  );
}
