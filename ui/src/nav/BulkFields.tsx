// What an operation on many instances asks for: no forms of one workflow, since they may be of several.

import { Stack } from "@chakra-ui/react";
import { type ReactNode, useId } from "react";
import { SchemaForm } from "src/forms/SchemaForm";
import type { FieldErrors } from "src/forms/schema";
import { t } from "src/texts";
import { CompensateField, ReasonField, TextField, VersionField } from "src/workflow/CommonFields";
import { OPERATIONS, type Operation, type Values } from "src/workflow/operations";

type Props = {
  operation: Operation;
  values: Values;
  errors: FieldErrors;
  onChange: (values: Values) => void;
};

const LONGEST_ID = 100;

export function BulkFields({ operation, values, errors, onChange }: Props) {
  const id = useId();
  const common = { values, set: (more: Partial<Values>) => onChange({ ...values, ...more }) };
  const step = (name: "stepId" | "fromStepId", label: string, help: string) => (
    <TextField {...common} help={help} id={`${id}${name}`} label={label} maxLength={LONGEST_ID} name={name} />
  );
  const fields: Partial<Record<keyof Values, () => ReactNode>> = {
    reason: () => <ReasonField {...common} id={`${id}r`} />,
    stepId: () => step("stepId", t("common.step"), t("bulk.stepHelp")),
    fromStepId: () => step("fromStepId", t("operation.from"), t("bulk.fromHelp")),
    compensate: () => <CompensateField {...common} />,
    version: () => (
      <VersionField {...common} id={`${id}v`} newest={t("operation.latest")} same={t("bulk.same")} />
    ),
  };
  if (operation === "skip")
    fields.document = () => (
      <SchemaForm
        errors={errors}
        name={t("operation.rawOutput")}
        onChange={(document) => common.set({ document })}
        schema={values.schema}
        value={values.document}
      />
    );
  return (
    <Stack gap={4}>
      {OPERATIONS[operation].fields.map((field) => (
        <div key={field}>{fields[field]?.()}</div>
      ))}
    </Stack>
  );
}
