import { Button, Input, Stack, Text } from "@chakra-ui/react";
import { useId, useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import { newKey } from "src/api/keys";
import type { AcceptedEvents, WaitingStep } from "src/api/schema.gen";
import { Labelled } from "src/forms/Labelled";
import { SchemaForm } from "src/forms/SchemaForm";
import { byField, check, type FieldErrors, type Schema } from "src/forms/schema";
import { DialogFrame } from "src/parts/DialogFrame";
import { FailureNotice } from "src/parts/FailureNotice";
import { Notice } from "src/parts/Notice";
import { t } from "src/texts";
import { Choice } from "src/workflow/CommonFields";
import { dataFor, typeFor } from "src/workflow/sampleEvent";

const SOURCE = "/workflows/test";
const ANYTHING: Schema = {};

type Props = {
  waits: readonly WaitingStep[];
  names: ReadonlyMap<string, string>;
  /** Whether the user may publish events. */
  allowed: boolean;
};

/** Sends an event for which a step waits, to try out how the workflow continues. */
export function TestEvent({ waits, names, allowed }: Props) {
  // Those that waited when the dialog was opened: it stays when the step continues.
  const [offered, setOffered] = useState<readonly WaitingStep[]>([]);
  const waiting = new Set(waits.map(({ id }) => id));
  return (
    <>
      {allowed && waits.length > 0 ? (
        <Button alignSelf="flex-start" onClick={() => setOffered(waits)} size="xs" variant="outline">
          {t("testEvent.open")}
        </Button>
      ) : null}
      {offered.length === 0 ? null : (
        <EventDialog names={names} offered={offered} onClose={() => setOffered([])} waiting={waiting} />
      )}
    </>
  );
}

type DialogProps = {
  offered: readonly WaitingStep[];
  /** The ids of those that still wait. */
  waiting: ReadonlySet<string>;
  names: Props["names"];
  onClose: () => void;
};

type Draft = { wait: WaitingStep | undefined; type: string; data: unknown; masked: boolean };

function draftFor(wait: WaitingStep | undefined): Draft {
  const { input, masked } = dataFor(wait?.correlation ?? {});
  return { wait, type: typeFor(wait?.pattern ?? ""), data: input, masked };
}

function EventDialog({ offered, waiting, names, onClose }: DialogProps) {
  const [draft, setDraft] = useState(() => draftFor(offered[0]));
  const { wait, type, data } = draft;
  const { errors, failure, busy, accepted, send } = useSending(type, data);
  return (
    <DialogFrame
      footer={
        <>
          <Button onClick={onClose} size="sm" variant="outline">
            {t("common.close")}
          </Button>
          {accepted ? null : (
            <Button colorPalette="brand" loading={busy} onClick={() => void send()} size="sm">
              {t("testEvent.send")}
            </Button>
          )}
        </>
      }
      onClose={onClose}
      title={t("testEvent.title")}
    >
      {accepted ? (
        <Outcome continued={!waiting.has(wait?.id ?? "")} step={nameOf(wait, names)} />
      ) : (
        <Stack gap={4}>
          <Text>{t("testEvent.text")}</Text>
          {failure === null ? null : <FailureNotice failure={failure} />}
          <Fields draft={draft} errors={errors} names={names} offered={offered} onChange={setDraft} />
        </Stack>
      )}
    </DialogFrame>
  );
}

function useSending(type: string, data: unknown) {
  const [errors, setErrors] = useState<FieldErrors>({});
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const [accepted, setAccepted] = useState(false);
  const send = async () => {
    const wrong = Object.entries(check(ANYTHING, data, ANYTHING));
    const found: FieldErrors = {
      ...Object.fromEntries(wrong.map(([pointer, messages]) => [`/data${pointer}`, messages])),
      ...(type.trim() === "" ? { "/type": [t("form.required")] } : {}),
    };
    setErrors(found);
    setFailure(null);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      const body = { specversion: "1.0", id: newKey(), source: SOURCE, type: type.trim(), data };
      await call<AcceptedEvents>("/events", { method: "POST", body });
      setAccepted(true);
    } catch (error) {
      const refused = asFailure(error);
      setErrors(byField(refused.findings, "").fields);
      setFailure(refused);
    } finally {
      setBusy(false);
    }
  };
  return { errors, failure, busy, accepted, send };
}

type FieldsProps = Pick<DialogProps, "offered" | "names"> & {
  draft: Draft;
  errors: FieldErrors;
  onChange: (draft: Draft) => void;
};

function Fields({ draft, errors, offered, names, onChange }: FieldsProps) {
  const id = useId();
  const atType = errors["/type"] ?? [];
  return (
    <>
      {offered.length === 1 ? null : (
        <Choice
          id={`${id}s`}
          label={t("common.step")}
          onChange={(chosen) => onChange(draftFor(offered.find((each) => each.id === chosen)))}
          options={offered.map((each) => [each.id, `${nameOf(each, names)}: ${each.pattern}`])}
          value={draft.wait?.id ?? ""}
        />
      )}
      <Labelled
        help={t("testEvent.pattern", { pattern: draft.wait?.pattern })}
        id={`${id}t`}
        label={t("events.type")}
        messages={atType}
        required
      >
        <Input
          aria-describedby={`${id}t-about`}
          aria-invalid={atType.length > 0}
          id={`${id}t`}
          onChange={({ target }) => onChange({ ...draft, type: target.value })}
          size="sm"
          value={draft.type}
        />
      </Labelled>
      {draft.masked ? <Text color="fg.muted">{t("operation.secretsEmpty")}</Text> : null}
      <SchemaForm
        errors={errors["/data"] === undefined ? {} : { "": errors["/data"] }}
        key={draft.wait?.id}
        name={t("events.data")}
        onChange={(data) => onChange({ ...draft, data })}
        schema={ANYTHING}
        value={draft.data}
      />
    </>
  );
}

/** What became of the event, as far as that is known. */
function Outcome({ step, continued }: { step: string; continued: boolean }) {
  return (
    <Notice title={t("testEvent.accepted")} tone="success">
      {t(continued ? "testEvent.continued" : "testEvent.pending", { step })}
    </Notice>
  );
}

function nameOf(wait: WaitingStep | undefined, names: Props["names"]): string {
  const stepId = wait?.stepId ?? "";
  return names.get(stepId) ?? stepId;
}
