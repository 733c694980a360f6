// What the dialog of an operation asks for.

import { Code, Stack, Text } from "@chakra-ui/react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { useLive } from "src/api/polling";
import type { DefinitionVersion, Instance, InstanceView, StepDetail } from "src/api/schema.gen";
import { SchemaForm } from "src/forms/SchemaForm";
import { type FieldErrors, initial, isObject, type Schema } from "src/forms/schema";
import { CheckField } from "src/parts/CheckField";
import { LiveView } from "src/parts/LiveView";
import { Sentence } from "src/parts/Sentence";
import { useStep } from "src/step/useStep";
import { t } from "src/texts";
import {
  Choice,
  CompensateField,
  type FieldProps,
  ReasonField,
  VersionField,
} from "src/workflow/CommonFields";
import { OPERATIONS, type Operation, startOf, type Values } from "src/workflow/operations";
import { SkipPreview } from "src/workflow/SkipPreview";

type Props = {
  view: InstanceView;
  names: ReadonlyMap<string, string>;
  operation: Operation;
  values: Values;
  errors: FieldErrors;
  onChange: (values: Values) => void;
};

export function OperationFields(props: Props) {
  const { view, names, operation, values, onChange } = props;
  const id = useId();
  const set = (more: Partial<Values>) => onChange({ ...values, ...more });
  const stepsThat = (holds: (step: InstanceView["steps"][number]) => boolean) => {
    const found = new Set(view.steps.filter(holds).map(({ stepId }) => stepId));
    return [...names].filter(([stepId]) => found.has(stepId));
  };
  const fields: Partial<Record<keyof Values, () => ReactNode>> = {
    reason: () => <ReasonField id={`${id}r`} set={set} values={values} />,
    compensate: () => <CompensateField set={set} values={values} />,
    version: () => <OwnVersion id={`${id}v`} set={set} values={values} view={view} />,
    fromStepId: () => (
      <Choice
        id={`${id}f`}
        label={t("operation.from")}
        onChange={(fromStepId) => set({ fromStepId })}
        options={[
          ["", t("operation.beginning")],
          ...stepsThat(({ status }) => status === "completed" || status === "failed"),
        ]}
        value={values.fromStepId}
      />
    ),
    stepId: () => (
      <Choice
        id={`${id}s`}
        label={t("common.step")}
        onChange={(stepId) => set({ stepId, document: undefined })}
        options={stepsThat(({ status }) => status === "failed")}
        value={values.stepId}
      />
    ),
    document: () =>
      operation === "skip" ? <Result {...props} set={set} /> : <NewInput {...props} set={set} />,
  };
  return OPERATIONS[operation].fields.map((field) => <div key={field}>{fields[field]?.()}</div>);
}

type SetProps = Pick<FieldProps, "set">;

/** The versions by their numbers. */
function OwnVersion({ view, ...field }: FieldProps & { id: string; view: InstanceView }) {
  const { data } = useLive<DefinitionVersion>(`/definitions/${encodeURIComponent(view.workflowId)}`);
  return (
    <VersionField
      {...field}
      newest={data === null ? t("operation.latest") : t("operation.latestVersion", { version: data.version })}
      same={t("operation.same", { version: view.version })}
    />
  );
}

/** The original input, or another one in the form of the version that will run. */
function NewInput({ view, values, errors, set }: Props & SetProps) {
  const query = values.version === "newest" ? {} : { version: view.version };
  const definition = useLive<DefinitionVersion>(`/definitions/${encodeURIComponent(view.workflowId)}`, {
    query,
  });
  const instance = useLive<Instance>(`/instances/${encodeURIComponent(view.id)}`);
  const schema = definition.data?.document.inputSchema;
  const form: Schema = isObject(schema) ? schema : {};
  const known = instance.data === null ? null : startOf(instance.data.input);
  return (
    <Stack gap={3}>
      <CheckField
        checked={values.document === undefined}
        disabled={known === null || definition.data === null}
        label={t("operation.sameInput")}
        onChange={(same) => set({ document: same ? undefined : known?.input, schema: form })}
      />
      {values.document === undefined ? null : (
        <Stack aria-label={t("step.input")} as="section" borderWidth="1px" gap={3} p={3} rounded="md">
          {known?.masked ? <Text color="fg.muted">{t("operation.secretsEmpty")}</Text> : null}
          <SchemaForm
            errors={errors}
            onChange={(document) => set({ document, schema: form })}
            schema={form}
            value={values.document}
          />
        </Stack>
      )}
    </Stack>
  );
}

/** What the task of the failed step would have returned, what the step makes of it, and a look at that. */
function Result(props: Props & SetProps) {
  const { view, values } = props;
  const live = useStep(view, values.stepId === "" ? null : values.stepId);
  if (values.stepId === "") return null;
  return (
    <LiveView live={live}>
      {(detail) => <ResultForm {...props} detail={detail} key={detail.stepId} />}
    </LiveView>
  );
}

function ResultForm({ view, values, errors, set, detail }: Props & SetProps & { detail: StepDetail }) {
  const { outputSchema, outputTransform } = detail;
  const begin = useRef(set);
  begin.current = set;
  useEffect(() => {
    const schema: Schema = outputSchema ?? {};
    begin.current({ schema, document: initial(schema, schema) });
  }, [outputSchema]);
  return (
    <Stack aria-label={t("operation.rawOutput")} as="section" borderWidth="1px" gap={3} p={3} rounded="md">
      <Text>
        {outputTransform == null ? (
          t("operation.noTransform")
        ) : (
          <Sentence
            parts={{
              expression: (
                <Code overflowWrap="anywhere" whiteSpace="pre-wrap">
                  {outputTransform}
                </Code>
              ),
            }}
            text="operation.transform"
          />
        )}
      </Text>
      <SchemaForm
        errors={errors}
        name={t("operation.rawOutput")}
        onChange={(document) => set({ document })}
        schema={values.schema}
        value={values.document}
      />
      <SkipPreview values={values} view={view} />
    </Stack>
  );
}
