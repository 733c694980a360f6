import { Button, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { InstanceView, SkipPreview as Preview } from "src/api/schema.gen";
import { FailureNotice } from "src/parts/FailureNotice";
import { JsonView } from "src/parts/JsonView";
import { Notice } from "src/parts/Notice";
import { t } from "src/texts";
import { bodyOf, problemsOf, type Values } from "src/workflow/operations";

type Shown = { of: string; preview: Preview | null; failure: Failure | null };

/** What the step would make of the entered result, before anything is changed. */
export function SkipPreview({ view, values }: { view: InstanceView; values: Values }) {
  const [shown, setShown] = useState<Shown | null>(null);
  const [busy, setBusy] = useState(false);
  const { reason: _, ...body } = bodyOf("skip", values);
  const of = JSON.stringify(body);
  const look = async () => {
    setBusy(true);
    try {
      const path = `/instances/${encodeURIComponent(view.id)}/skip/preview`;
      setShown({ of, preview: await call<Preview>(path, { method: "POST", body }), failure: null });
    } catch (error) {
      setShown({ of, preview: null, failure: asFailure(error) });
    } finally {
      setBusy(false);
    }
  };
  // What was entered since is not what was looked at.
  const current = shown?.of === of ? shown : null;
  return (
    <Stack aria-live="polite" gap={2}>
      <Button
        alignSelf="flex-start"
        disabled={Object.keys(problemsOf("skip", values)).length > 0}
        loading={busy}
        onClick={() => void look()}
        size="xs"
        variant="outline"
      >
        {t("operation.preview")}
      </Button>
      {current?.failure ? <FailureNotice failure={current.failure} /> : null}
      {current?.preview ? <Outcome preview={current.preview} /> : null}
    </Stack>
  );
}

function Outcome({ preview }: { preview: Preview }) {
  if (preview.output === null) return <Text>{t("operation.previewBranches")}</Text>;
  return (
    <Stack gap={1}>
      {Object.values(preview.output).includes(null) ? (
        <Notice title={t("operation.previewNull")} tone="warning" />
      ) : null}
      <Text color="fg.muted" fontSize="xs">
        {t("operation.previewOutput")}
      </Text>
      <JsonView value={preview.output} />
      {preview.next === null ? null : <Text>{t("operation.previewNext", { step: preview.next })}</Text>}
    </Stack>
  );
}
