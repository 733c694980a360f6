import { Box, Heading, Stack, Text } from "@chakra-ui/react";
import type { InstanceView } from "src/api/schema.gen";
import { JsonView } from "src/parts/JsonView";
import { LiveView } from "src/parts/LiveView";
import { t } from "src/texts";
import { useDocuments } from "src/workflow/useDocuments";

/** The documents of an instance, secrets masked; read when they are looked at. */
export function Documents({ view }: { view: InstanceView }) {
  const live = useDocuments(view);
  return (
    <LiveView lines={6} live={live}>
      {(instance) => (
        <Stack gap={4}>
          <Part title={t("step.input")} value={instance.input} />
          <Part title={t("step.output")} value={instance.output} />
          <Part title={t("instance.data")} value={instance.state.data} />
          <Part title={t("instance.variables")} value={instance.state.variables} />
          {instance.event ? <Part title={t("instance.event")} value={instance.event} /> : null}
          {instance.error ? <Part title={t("common.error")} value={instance.error} /> : null}
        </Stack>
      )}
    </LiveView>
  );
}

function Part({ title, value }: { title: string; value: unknown }) {
  const nothing =
    value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
  return (
    <Box>
      <Heading as="h4" mb={1} size="xs">
        {title}
      </Heading>
      {nothing ? <Text color="fg.muted">{t("common.none")}</Text> : <JsonView depth={2} value={value} />}
    </Box>
  );
}
