import { Button, Fieldset, Heading, HStack, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { SimulationResult } from "src/api/schema.gen";
import { SchemaForm } from "src/forms/SchemaForm";
import { check, type FieldErrors, initial, isObject, type Schema } from "src/forms/schema";
import { DownloadButton } from "src/parts/DownloadButton";
import { FailureNotice } from "src/parts/FailureNotice";
import { JsonView } from "src/parts/JsonView";
import { Notice } from "src/parts/Notice";
import { StatusBadge } from "src/parts/StatusBadge";
import { type TextKey, t } from "src/texts";
import type { Outline } from "src/workbench/outline";
import { bodyOf, partsOf, recordsOf, type Script, type Scripted, scenarioFile } from "src/workbench/trying";

/** The last run, and the script that it had. */
export type Tried = { result: SimulationResult; script: Script };
type Props = {
  outline: Outline;
  stepId: string | null;
  tried: Tried | null;
  onTried: (tried: Tried | null) => void;
  onSelect: (stepId: string) => void;
};

const PARTS = { mock: partsOf("MockOutcome"), answer: partsOf("GivenAnswer"), event: partsOf("Arrival") };
const NAMES: Record<keyof typeof PARTS, TextKey> = {
  mock: "workbench.mock",
  answer: "workbench.answer",
  event: "workbench.event",
};

/** Runs the text in memory: nothing is stored, and nothing is called. */
export function TryPane({ outline, stepId, tried, onTried, onSelect }: Props) {
  const document = isObject(outline.document) ? outline.document : {};
  const schema: Schema = isObject(document.inputSchema) ? document.inputSchema : {};
  const [script, setScript] = useState<Script>(() => ({
    input: initial(schema, schema) ?? {},
    steps: [],
    events: [],
  }));
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<FieldErrors>({});
  const run = async () => {
    const found = check(schema, script.input, schema);
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    setFailure(null);
    onTried(null);
    try {
      const started = { ...script, start: new Date().toISOString() };
      const body = bodyOf(document, started);
      const result = await call<SimulationResult>("/simulate", { method: "POST", body });
      onTried({ result, script: started });
    } catch (error) {
      setFailure(asFailure(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Stack gap={4}>
      <Text color="fg.muted">{t("workbench.tryText")}</Text>
      <SchemaForm
        errors={errors}
        onChange={(input) => setScript({ ...script, input })}
        schema={schema}
        value={script.input}
      />
      <Surroundings onChange={setScript} script={script} stepId={stepId} />
      <HStack>
        <Button disabled={!outline.whole} loading={busy} onClick={() => void run()} size="sm">
          {t("workbench.run")}
        </Button>
      </HStack>
      {failure === null ? null : <FailureNotice failure={failure} />}
      {tried === null ? null : (
        <Outcome onSelect={onSelect} stepId={stepId} tried={tried} workflowId={String(document.workflowId)} />
      )}
    </Stack>
  );
}

type SurroundingsProps = { script: Script; stepId: string | null; onChange: (script: Script) => void };

/** What tasks give, what people answer, and which events arrive. */
function Surroundings({ script, stepId, onChange }: SurroundingsProps) {
  const { steps, events } = script;
  const add = (more: Scripted) => onChange({ ...script, steps: [...steps, more] });
  return (
    <Stack gap={3}>
      {steps.map((each, index) => {
        const kind = each.mock === undefined ? "answer" : "mock";
        return (
          <Part
            // biome-ignore lint/suspicious/noArrayIndexKey: an outcome has no name but its place
            key={index}
            kind={kind}
            name={each.stepId}
            onChange={(value) =>
              onChange({ ...script, steps: replaced(steps, index, { ...each, [kind]: value }) })
            }
            onRemove={() => onChange({ ...script, steps: steps.toSpliced(index, 1) })}
            value={each[kind]}
          />
        );
      })}
      {events.map((each, index) => (
        <Part
          // biome-ignore lint/suspicious/noArrayIndexKey: an event has no name but its place
          key={index}
          kind="event"
          name={String(index + 1)}
          onChange={(value) => onChange({ ...script, events: replaced(events, index, value) })}
          onRemove={() => onChange({ ...script, events: events.toSpliced(index, 1) })}
          value={each}
        />
      ))}
      <HStack flexWrap="wrap" gap={1}>
        {stepId === null ? null : (
          <>
            <Button onClick={() => add({ stepId, mock: { output: {} } })} size="xs" variant="outline">
              {t("workbench.addMock", { step: stepId })}
            </Button>
            <Button
              onClick={() => add({ stepId, answer: { decision: "approve" } })}
              size="xs"
              variant="outline"
            >
              {t("workbench.addAnswer", { step: stepId })}
            </Button>
          </>
        )}
        <Button
          onClick={() => onChange({ ...script, events: [...events, { event: {} }] })}
          size="xs"
          variant="outline"
        >
          {t("workbench.addEvent")}
        </Button>
      </HStack>
    </Stack>
  );
}

type PartProps = {
  kind: keyof typeof PARTS;
  name: string;
  value: unknown;
  onChange: (value: unknown) => void;
  onRemove: () => void;
};

function Part({ kind, name, value, onChange, onRemove }: PartProps) {
  const title = t(NAMES[kind], { name });
  return (
    <Fieldset.Root borderWidth="1px" p={3} rounded="md" size="sm">
      <Fieldset.Legend px={1}>{title}</Fieldset.Legend>
      <Fieldset.Content mt={2}>
        <SchemaForm errors={{}} onChange={onChange} schema={PARTS[kind]} value={value} />
        <Button
          alignSelf="flex-start"
          aria-label={t("form.removeItem", { name: title })}
          onClick={onRemove}
          size="xs"
          variant="ghost"
        >
          {t("form.remove")}
        </Button>
      </Fieldset.Content>
    </Fieldset.Root>
  );
}

type OutcomeProps = Pick<Props, "stepId" | "onSelect"> & { tried: Tried; workflowId: string };

/** The path in its order, the data of the step that is looked at, and the whole as a file. */
function Outcome({ tried, workflowId, stepId, onSelect }: OutcomeProps) {
  const { result, script } = tried;
  const record = stepId === null ? undefined : recordsOf(result).get(stepId);
  const at = result.path.findIndex((each) => each.stepId === stepId);
  const go = (by: number) => {
    const next = result.path[at + by]?.stepId;
    if (typeof next === "string") onSelect(next);
  };
  return (
    <Stack aria-label={t("workbench.result")} as="section" gap={3}>
      <HStack flexWrap="wrap">
        <StatusBadge status={result.status} />
        <Button disabled={at <= 0} onClick={() => go(-1)} size="xs" variant="outline">
          {t("workbench.back")}
        </Button>
        <Button disabled={at + 1 >= result.path.length} onClick={() => go(1)} size="xs" variant="outline">
          {t("workbench.forward")}
        </Button>
        <Text color="fg.muted" fontSize="xs">
          {t("workbench.saveText")}
        </Text>
        <DownloadButton
          name={`${workflowId}.scenario.json`}
          text={scenarioFile(workflowId, t("workbench.tried"), script, result)}
        />
      </HStack>
      {result.warnings.map((each) => (
        <Notice key={each} title={each} tone="warning" />
      ))}
      <Stack as="ol" gap={1} listStyleType="none">
        {result.path.map((each, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step can be there twice
          <HStack as="li" key={index}>
            <Button
              aria-current={index === at ? "step" : undefined}
              onClick={() => onSelect(String(each.stepId))}
              size="2xs"
              variant={index === at ? "subtle" : "ghost"}
            >
              {index + 1}. {String(each.stepId)}
            </Button>
            <StatusBadge status={String(each.status)} />
          </HStack>
        ))}
      </Stack>
      <Heading as="h4" size="xs">
        {record === undefined ? t("workbench.end") : stepId}
      </Heading>
      <JsonView value={record ?? { output: result.output, error: result.error, data: result.state.data }} />
    </Stack>
  );
}

function replaced<Each>(all: readonly Each[], index: number, value: Each): Each[] {
  return all.map((each, at) => (at === index ? value : each));
}
