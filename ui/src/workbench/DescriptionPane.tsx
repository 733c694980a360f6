import { Code, Heading, Stack, Text } from "@chakra-ui/react";
import { LabelledValues } from "src/parts/LabelledValues";
import { t } from "src/texts";
import type { Description } from "src/workbench/assist";

/** What the format says about the place of the cursor. */
export function DescriptionPane({ description }: { description: Description | null }) {
  if (description === null) return <Text color="fg.muted">{t("workbench.noDescription")}</Text>;
  const { place, text, type, values, fallback, properties } = description;
  const facts = [
    { label: t("workbench.type"), content: type },
    { label: t("workbench.values"), content: values.join(", ") },
    { label: t("workbench.default"), content: fallback },
  ].filter(({ content }) => content);
  return (
    <Stack gap={3}>
      <Heading as="h3" overflowWrap="anywhere" size="sm">
        {place === "" ? t("common.workflow") : place}
      </Heading>
      {text === "" ? null : <Text whiteSpace="pre-wrap">{text}</Text>}
      {facts.length === 0 ? null : <LabelledValues values={facts} />}
      {properties.length === 0 ? null : (
        <Stack as="ul" gap={1} listStyleType="none">
          {properties.map(({ name, text: about, required }) => (
            <Text as="li" key={name}>
              <Code size="sm">{name}</Code> {required ? `(${t("workbench.required")})` : ""} {about}
            </Text>
          ))}
        </Stack>
      )}
    </Stack>
  );
}
