// What an operation on many instances asks for: no forms of one workflow, since they may be of several.

import { Checkbox, Input, NativeSelect, Stack } from "@chakra-ui/react";
import { type ReactNode, useId } from "react";
import { Labelled } from "src/forms/Labelled";
import { SchemaForm } from "src/forms/SchemaForm";
import type { FieldErrors } from "src/forms/schema";
import { t } from "src/texts";
import { OPERATIONS, type Operation, type Values } from "src/workflow/operations";

type Props = {
  operation: Operation;
  values: Values;
  errors: FieldErrors;
  onChange: (values: Values) => void;
};

export function BulkFields({ operation, values, errors, onChange }: Props) {
  const id = useId();
  const set = (more: Partial<Values>) => onChange({ ...values, ...more });
  const text = (name: "reason" | "stepId" | "fromStepId", label: string, help: string, most: number) => (
    <Labelled help={help} id={`${id}${name}`} label={label}>
      <Input
        aria-describedby={`${id}${name}-about`}
        id={`${id}${name}`}
        maxLength={most}
        onChange={(event) => set({ [name]: event.target.value })}
        size="sm"
        value={values[name]}
      />
    </Labelled>
  );
  const fields: Partial<Record<keyof Values, () => ReactNode>> = {
    reason: () => text("reason", t("operation.reason"), t("operation.reasonHelp"), 1000),
    stepId: () => text("stepId", t("common.step"), t("bulk.stepHelp"), 100),
    fromStepId: () => text("fromStepId", t("operation.from"), t("bulk.fromHelp"), 100),
    compensate: () => (
      <Checkbox.Root
        checked={values.compensate}
        onCheckedChange={({ checked }) => set({ compensate: checked === true })}
        size="sm"
      >
        <Checkbox.HiddenInput />
        <Checkbox.Control />
        <Checkbox.Label>{t("operation.compensateToo")}</Checkbox.Label>
      </Checkbox.Root>
    ),
    version: () => (
      <Labelled id={`${id}v`} label={t("operation.version")}>
        <NativeSelect.Root size="sm">
          <NativeSelect.Field
            id={`${id}v`}
            onChange={(event) => set({ version: event.target.value === "newest" ? "newest" : "same" })}
            value={values.version}
          >
            <option value="same">{t("bulk.same")}</option>
            <option value="newest">{t("operation.latest")}</option>
          </NativeSelect.Field>
          <NativeSelect.Indicator />
        </NativeSelect.Root>
      </Labelled>
    ),
  };
  if (operation === "skip")
    fields.document = () => (
      <SchemaForm
        errors={errors}
        name={t("operation.rawOutput")}
        onChange={(document) => set({ document })}
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
