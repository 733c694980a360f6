import {
  Button,
  Checkbox,
  CloseButton,
  Dialog,
  HStack,
  Input,
  NativeSelect,
  Portal,
  Stack,
  Text,
  Textarea,
} from "@chakra-ui/react";
import { type ReactNode, useId, useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { InstanceView } from "src/api/schema.gen";
import { Labelled } from "src/forms/Labelled";
import { FailureNotice } from "src/parts/FailureNotice";
import { t } from "src/texts";
import { isLive } from "src/workflow/instance";
import { bodyOf, NOTHING, OPERATIONS, type Operation, type Values } from "src/workflow/operations";

type Props = { view: InstanceView; names: ReadonlyMap<string, string>; onChanged: () => void };

/** A button for each thing that the user may do with the instance now. */
export function Actions({ view, names, onChanged }: Props) {
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

function OperationDialog({ view, names, operation, onChanged, onClose }: DialogProps) {
  const about = OPERATIONS[operation];
  const [values, setValues] = useState<Values>(() => ({ ...NOTHING, stepId: failedStep(view) }));
  const [problem, setProblem] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);

  const go = async () => {
    let body: Record<string, unknown>;
    setProblem(null);
    setFailure(null);
    try {
      body = bodyOf(operation, values);
    } catch (error) {
      setProblem(t("operation.json", { problem: (error as Error).message }));
      return;
    }
    setBusy(true);
    try {
      const path = `/instances/${encodeURIComponent(view.id)}/${operation}`;
      await call(path, { method: "POST", body });
      onChanged();
      onClose();
      // Airflow's own header and grid do not ask again for a run that has ended, and would go on showing how it was.
      if (!isLive(view)) window.location.reload();
    } catch (error) {
      setFailure(asFailure(error));
      setBusy(false);
    }
  };

  return (
    <Dialog.Root onOpenChange={({ open }) => open || onClose()} open placement="center" size="md">
      <Portal>
        <Dialog.Backdrop />
        <Dialog.Positioner>
          <Dialog.Content>
            <Dialog.Header>
              <Dialog.Title>{t(about.heading ?? about.title)}</Dialog.Title>
            </Dialog.Header>
            <Dialog.Body>
              <Stack gap={4}>
                <Text>{t(about.text)}</Text>
                {failure === null ? null : <FailureNotice failure={failure} />}
                <Fields
                  names={names}
                  onChange={setValues}
                  operation={operation}
                  problem={problem}
                  values={values}
                  view={view}
                />
              </Stack>
            </Dialog.Body>
            <Dialog.Footer>
              <Button onClick={onClose} size="sm" variant="outline">
                {t(about.dismiss ?? "common.close")}
              </Button>
              <Button
                colorPalette={about.danger ? "danger" : "brand"}
                loading={busy}
                onClick={() => void go()}
                size="sm"
              >
                {t(about.confirm ?? about.title)}
              </Button>
            </Dialog.Footer>
            <Dialog.CloseTrigger asChild>
              <CloseButton aria-label={t("common.close")} size="sm" />
            </Dialog.CloseTrigger>
          </Dialog.Content>
        </Dialog.Positioner>
      </Portal>
    </Dialog.Root>
  );
}

function failedStep(view: InstanceView): string {
  const named = view.error?.stepId;
  return typeof named === "string" ? named : "";
}

type FieldsProps = {
  view: InstanceView;
  names: ReadonlyMap<string, string>;
  operation: Operation;
  values: Values;
  problem: string | null;
  onChange: (values: Values) => void;
};

function Fields({ view, names, operation, values, problem, onChange }: FieldsProps) {
  const id = useId();
  const set = (more: Partial<Values>) => onChange({ ...values, ...more });
  const stepsThat = (holds: (step: InstanceView["steps"][number]) => boolean) => {
    const found = new Set(view.steps.filter(holds).map(({ stepId }) => stepId));
    return [...names].filter(([stepId]) => found.has(stepId));
  };
  const fields: Partial<Record<keyof Values, ReactNode>> = {
    reason: (
      <Labelled help={t("operation.reasonHelp")} id={`${id}r`} label={t("operation.reason")} messages={[]}>
        <Input
          id={`${id}r`}
          maxLength={1000}
          onChange={(event) => set({ reason: event.target.value })}
          size="sm"
          value={values.reason}
        />
      </Labelled>
    ),
    compensate: (
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
    version: (
      <Choice
        id={`${id}v`}
        label={t("operation.version")}
        onChange={(version) => set({ version: version === "newest" ? "newest" : "same" })}
        options={[
          ["same", t("operation.same", { version: view.version })],
          ["newest", t("operation.latest")],
        ]}
        value={values.version}
      />
    ),
    fromStepId: (
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
    stepId: (
      <Choice
        id={`${id}s`}
        label={t("common.step")}
        onChange={(stepId) => set({ stepId })}
        options={stepsThat(({ status }) => status === "failed")}
        value={values.stepId}
      />
    ),
    document: (
      <Labelled
        help={operation === "skip" ? t("operation.outputHelp") : t("operation.inputHelp")}
        id={`${id}d`}
        label={operation === "skip" ? t("step.output") : t("step.input")}
        messages={problem === null ? [] : [problem]}
      >
        <Textarea
          aria-describedby={`${id}d-about`}
          aria-invalid={problem !== null}
          fontFamily="mono"
          fontSize="xs"
          id={`${id}d`}
          onChange={(event) => set({ document: event.target.value })}
          rows={4}
          value={values.document}
        />
      </Labelled>
    ),
  };
  return OPERATIONS[operation].fields.map((field) => <div key={field}>{fields[field]}</div>);
}

type ChoiceProps = {
  id: string;
  label: string;
  options: readonly (readonly [string, string])[];
  value: string;
  onChange: (value: string) => void;
};

function Choice({ id, label, options, value, onChange }: ChoiceProps) {
  return (
    <Labelled id={id} label={label} messages={[]}>
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
