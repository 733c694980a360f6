import { Heading, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { useLive } from "src/api/polling";
import type { DefinitionPage } from "src/api/schema.gen";
import { Editing } from "src/definition/Editing";
import { AppLink } from "src/parts/AppLink";
import { Notice } from "src/parts/Notice";
import { paths } from "src/parts/paths";
import { t } from "src/texts";

const TEMPLATE = `${JSON.stringify(
  {
    workflowId: "my-workflow",
    name: "My workflow",
    version: "1.0.0",
    inputSchema: {
      type: "object",
      properties: { name: { type: "string", title: "Name" } },
      required: ["name"],
    },
    steps: [
      {
        stepId: "greet",
        taskId: "set",
        arguments: { text: { type: "jsonata", expression: "'Hello ' & data.name" } },
      },
    ],
  },
  null,
  2,
)}\n`;

/** Writes a new workflow. */
export function NewWorkflow() {
  const [made, setMade] = useState<string | null>(null);
  const definitions = useLive<DefinitionPage>("/definitions", { query: { limit: 1 } });
  const readOnly = definitions.data?.editable === false;
  return (
    <Stack gap={3}>
      <Heading as="h2" size="md">
        {t("definitions.new")}
      </Heading>
      {made === null ? null : (
        <Text>
          <AppLink to={paths.definition(made)}>{t("definitions.openOne", { name: made })}</AppLink>
        </Text>
      )}
      {readOnly ? <Notice title={t("definitions.mayNot")}>{t("definitions.mayNotText")}</Notice> : null}
      <Editing etag={null} initial={TEMPLATE} onPublished={setMade} workflowId={null} />
    </Stack>
  );
}
