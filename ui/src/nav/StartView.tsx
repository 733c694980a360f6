import { Button, Heading, HStack, Input, Stack, Text } from "@chakra-ui/react";
import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import { asFailure, call, Failure } from "src/api/client";
import { useLive } from "src/api/polling";
import type { DefinitionVersion, Instance } from "src/api/schema.gen";
import { Labelled } from "src/forms/Labelled";
import { SchemaForm } from "src/forms/SchemaForm";
import { byField, check, type FieldErrors, initial, isObject, type Schema } from "src/forms/schema";
import { AppLink } from "src/parts/AppLink";
import { FailureNotice } from "src/parts/FailureNotice";
import { LiveView } from "src/parts/LiveView";
import { Markdown } from "src/parts/Markdown";
import { paths } from "src/parts/paths";

/** Starts an instance: a form for the workflow's input. */
export function StartView({ name }: { name: string }) {
  const live = useLive<DefinitionVersion>(`/definitions/${encodeURIComponent(name)}`);
  return <LiveView live={live}>{(definition) => <StartForm definition={definition} />}</LiveView>;
}

function StartForm({ definition }: { definition: DefinitionVersion }) {
  const navigate = useNavigate();
  const { workflowId, document } = definition;
  const schema = useMemo<Schema>(
    () => (isObject(document.inputSchema) ? document.inputSchema : {}),
    [document],
  );
  const [value, setValue] = useState<unknown>(() => initial(schema, schema) ?? {});
  const [correlationId, setCorrelationId] = useState("");
  const [errors, setErrors] = useState<FieldErrors>({});
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  // One key for one intention: pressing twice, or again after a lost answer, starts one instance.
  const intention = useRef({ of: "", key: "" });

  // The first field that is wrong is where one goes on; known only when the fields show it.
  useEffect(() => {
    if (Object.keys(errors).length > 0)
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [errors]);
  const start = async (event: FormEvent) => {
    event.preventDefault();
    setFailure(null);
    const found = check(schema, value, schema);
    if (Object.keys(found).length > 0) {
      setErrors(found);
      return;
    }
    setErrors({});
    setBusy(true);
    const body = { input: value, ...(correlationId === "" ? {} : { correlationId }) };
    const of = JSON.stringify(body);
    if (intention.current.of !== of) intention.current = { of, key: newKey() };
    try {
      const instance = await call<Instance>(`/definitions/${encodeURIComponent(workflowId)}/instances`, {
        method: "POST",
        body,
        headers: { "Idempotency-Key": intention.current.key },
      });
      navigate(paths.instance(instance));
    } catch (error) {
      const refused = asFailure(error);
      const { fields, others } = byField(refused.findings, "/input");
      setErrors(fields);
      const all = Object.keys(fields).length > 0 && others.length === 0;
      setFailure(
        all ? new Failure(refused.status, refused.code, "Please correct the marked fields.") : refused,
      );
    } finally {
      setBusy(false);
    }
  };
  return (
    <form noValidate onSubmit={(event) => void start(event)} ref={form}>
      <Stack gap={4} maxW="2xl">
        <Stack gap={1}>
          <Heading as="h2" size="md">
            Start {String(document.name ?? workflowId)}
          </Heading>
          <Text color="fg.muted">
            <AppLink to={paths.definition(workflowId)}>{workflowId}</AppLink> {definition.version}
          </Text>
          {typeof document.description === "string" ? <Markdown text={document.description} /> : null}
        </Stack>
        {failure === null ? null : <FailureNotice failure={failure} />}
        <SchemaForm errors={errors} onChange={setValue} schema={schema} value={value} />
        <Labelled
          help="A business key, to find the instance by. Optional."
          id="correlation-id"
          label="Correlation id"
        >
          <Input
            aria-describedby="correlation-id-about"
            id="correlation-id"
            maxLength={255}
            onChange={(event) => setCorrelationId(event.target.value)}
            size="sm"
            value={correlationId}
          />
        </Labelled>
        <HStack>
          <Button loading={busy} size="sm" type="submit">
            Start
          </Button>
          <Button onClick={() => navigate(-1)} size="sm" variant="ghost">
            Back
          </Button>
        </HStack>
      </Stack>
    </form>
  );
}

function newKey(): string {
  // randomUUID is only there on pages that were served securely.
  const numbers = crypto.getRandomValues(new Uint32Array(4));
  return [...numbers].map((each) => each.toString(16).padStart(8, "0")).join("");
}
