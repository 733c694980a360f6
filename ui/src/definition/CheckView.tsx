import { Stack } from "@chakra-ui/react";
import { Findings } from "src/definition/Findings";
import { useValidation } from "src/definition/useValidation";
import type { ViewProps } from "src/definition/view";
import { FailureNotice } from "src/parts/FailureNotice";
import { LiveView } from "src/parts/LiveView";
import { Notice } from "src/parts/Notice";
import { t } from "src/texts";

/** What checking the published document finds today: tasks that it names may have gone since. */
export function CheckView({ definition }: ViewProps) {
  const { checked } = useValidation(JSON.stringify(definition.document));
  if (checked === null) {
    return (
      <LiveView
        live={{ data: null, etag: null, failure: null, loading: true, at: null, refresh: () => undefined }}
      >
        {() => null}
      </LiveView>
    );
  }
  if (checked.failure !== null) return <FailureNotice failure={checked.failure} />;
  const errors = checked.findings.filter((each) => each.severity === "error").length;
  return (
    <Stack gap={3} maxW="4xl">
      {checked.findings.length === 0 ? (
        <Notice title={t("check.clean")} tone="success">
          {t("check.cleanText")}
        </Notice>
      ) : (
        <Notice
          title={errors > 0 ? t("check.broken") : t("check.warnings")}
          tone={errors > 0 ? "error" : "warning"}
        />
      )}
      <Findings findings={checked.findings} />
    </Stack>
  );
}
