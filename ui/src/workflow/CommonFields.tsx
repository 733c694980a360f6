// Fields of an operation on one instance and of one on many.

import { Input, NativeSelect } from "@chakra-ui/react";
import { Labelled } from "src/forms/Labelled";
import { CheckField } from "src/parts/CheckField";
import { t } from "src/texts";
import type { Values } from "src/workflow/operations";

export type FieldProps = { values: Values; set: (more: Partial<Values>) => void };

type TextProps = FieldProps & {
  id: string;
  name: "reason" | "stepId" | "fromStepId";
  label: string;
  help: string;
  maxLength: number;
};

/** A line of text, such as the id of a step. */
export function TextField({ id, name, label, help, maxLength, values, set }: TextProps) {
  return (
    <Labelled help={help} id={id} label={label}>
      <Input
        aria-describedby={`${id}-about`}
        id={id}
        maxLength={maxLength}
        onChange={(event) => set({ [name]: event.target.value })}
        size="sm"
        value={values[name]}
      />
    </Labelled>
  );
}

/** Why somebody does it, for the log. */
export function ReasonField(props: FieldProps & { id: string }) {
  return (
    <TextField
      {...props}
      help={t("operation.reasonHelp")}
      label={t("operation.reason")}
      maxLength={1000}
      name="reason"
    />
  );
}

/** Whether what has completed is undone. */
export function CompensateField({ values, set }: FieldProps) {
  return (
    <CheckField
      checked={values.compensate}
      label={t("operation.compensateToo")}
      onChange={(compensate) => set({ compensate })}
    />
  );
}

type VersionProps = FieldProps & { id: string; same: string; newest: string };

/** Whether it continues in its own version or in the latest. */
export function VersionField({ id, same, newest, values, set }: VersionProps) {
  return (
    <Choice
      id={id}
      label={t("operation.version")}
      onChange={(version) => set({ version: version === "newest" ? "newest" : "same" })}
      options={[
        ["same", same],
        ["newest", newest],
      ]}
      value={values.version}
    />
  );
}

type ChoiceProps = {
  id: string;
  label: string;
  options: readonly (readonly [string, string])[];
  value: string;
  onChange: (value: string) => void;
};

/** One of several values, each with what it is called. */
export function Choice({ id, label, options, value, onChange }: ChoiceProps) {
  return (
    <Labelled id={id} label={label}>
      <NativeSelect.Root size="sm">
        <NativeSelect.Field id={id} onChange={(event) => onChange(event.target.value)} value={value}>
          {options.map(([each, words]) => (
            <option key={each} value={each}>
              {words}
            </option>
          ))}
        </NativeSelect.Field>
        <NativeSelect.Indicator />
      </NativeSelect.Root>
    </Labelled>
  );
}
