import { Button, HStack, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { InstanceView } from "src/api/schema.gen";
import { byField, type FieldErrors } from "src/forms/schema";
import { AskDialog } from "src/parts/AskDialog";
import { FailureNotice } from "src/parts/FailureNotice";
import { t } from "src/texts";
import type { Host } from "src/workflow/host";
import { isLive } from "src/workflow/instance";
import { OperationFields } from "src/workflow/OperationFields";
import {
  bodyOf,
  NOTHING,
  OPERATIONS,
  type Operation,
  problemsOf,
  type Values,
} from "src/workflow/operations";

type Props = { view: InstanceView; names: ReadonlyMap<string, string>; host: Host; onChanged: () => void };

/** A button for each thing that the user may do with the instance now. */
export function Actions({ view, names, host, onChanged }: Props) {
  const [chosen, setChosen] = useState<Operation | null>(null);
  return (
    <HStack flexWrap="wrap" gap={1} minH={8}>
      {view.operations.map((operation) => (
        <Button
          colorPalette={OPERATIONS[operation].danger ? "danger" : undefined}
          key={operation}
          onClick={() => setChosen(operation)}
          size="xs"
          variant="outline"
        >
          {t(OPERATIONS[operation].title)}
        </Button>
      ))}
      {chosen === null ? null : (
        <OperationDialog
          host={host}
          names={names}
          onChanged={onChanged}
          onClose={() => setChosen(null)}
          operation={chosen}
          view={view}
        />
      )}
    </HStack>
  );
}

type DialogProps = Props & { operation: Operation; onClose: () => void };

function OperationDialog({ view, names, host, operation, onChanged, onClose }: DialogProps) {
  const about = OPERATIONS[operation];
  const [values, setValues] = useState<Values>(() => ({ ...NOTHING, stepId: failedStep(view) }));
  const [errors, setErrors] = useState<FieldErrors>({});
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);

  const go = async () => {
    const problems = problemsOf(operation, values);
    setErrors(problems);
    setFailure(null);
    if (Object.keys(problems).length > 0) return;
    setBusy(true);
    try {
      const path = `/instances/${encodeURIComponent(view.id)}/${operation}`;
      await call(path, { method: "POST", body: bodyOf(operation, values) });
      onChanged();
      onClose();
      // Airflow's own header and grid do not ask again for a run that has ended, and would go on showing how it was.
      if (host === "run" && !isLive(view)) window.location.reload();
    } catch (error) {
      const refused = asFailure(error);
      setErrors(byField(refused.findings, operation === "skip" ? "/output" : "/input").fields);
      setFailure(refused);
      setBusy(false);
    }
  };

  return (
    <AskDialog
      busy={busy}
      confirm={t(about.confirm ?? about.title)}
      danger={about.danger ?? false}
      dismiss={t(about.dismiss ?? "common.close")}
      onClose={onClose}
      onConfirm={() => void go()}
      title={t(about.heading ?? about.title)}
    >
      <Stack gap={4}>
        <Text>{t(about.text)}</Text>
        {failure === null ? null : <FailureNotice failure={failure} />}
        <OperationFields
          errors={errors}
          names={names}
          onChange={setValues}
          operation={operation}
          values={values}
          view={view}
        />
      </Stack>
    </AskDialog>
  );
}

function failedStep(view: InstanceView): string {
  const named = view.error?.stepId;
  return typeof named === "string" ? named : "";
}
