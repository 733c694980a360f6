import { Button, Heading, HStack, Input, Stack, Text } from "@chakra-ui/react";
import { type FormEvent, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import { asFailure, call, Failure } from "src/api/client";
import { newKey } from "src/api/keys";
import { useLive } from "src/api/polling";
import type { DefinitionVersion, Instance } from "src/api/schema.gen";
import { Labelled } from "src/forms/Labelled";
import { SchemaForm } from "src/forms/SchemaForm";
import { byField, check, type FieldErrors, initial, isObject, type Schema } from "src/forms/schema";
import { AppLink } from "src/parts/AppLink";
import { FailureNotice } from "src/parts/FailureNotice";
import { LiveView } from "src/parts/LiveView";
import { Markdown } from "src/parts/Markdown";
import { Notice } from "src/parts/Notice";
import { paths } from "src/parts/paths";
import { Sentence } from "src/parts/Sentence";
import { t } from "src/texts";

/** Starts an instance: a form for the workflow's input. */
export function StartView({ name }: { name: string }) {
  const live = useLive<DefinitionVersion>(`/definitions/${encodeURIComponent(name)}`);
  return (
    <LiveView live={live}>
      {(definition) => <StartForm definition={definition} onReload={live.refresh} />}
    </LiveView>
  );
}

type FormProps = { definition: DefinitionVersion; onReload: () => void };

function StartForm({ definition, onReload }: FormProps) {
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
  const loading = useLoadingVersion();
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
    const send = () =>
      call<Instance>(`/definitions/${encodeURIComponent(workflowId)}/instances`, {
        method: "POST",
        body,
        // What is shown is what will run, or nothing.
        headers: { "Idempotency-Key": intention.current.key, "If-Version": definition.version },
      });
    try {
      const instance = await loading.until(send);
      if (instance !== null) navigate(paths.instance(instance.id));
    } catch (error) {
      const refused = asFailure(error);
      const { fields, others } = byField(refused.findings, "/input");
      setErrors(fields);
      const all = Object.keys(fields).length > 0 && others.length === 0;
      setFailure(all ? new Failure(refused.status, refused.code, t("form.correct")) : refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form noValidate onSubmit={(event) => void start(event)} ref={form}>
      <Stack gap={4} maxW="2xl">
        <Stack gap={1}>
          <Heading as="h2" size="md">
            {t("definitions.startOne", { name: String(document.name ?? workflowId) })}
          </Heading>
          <Text color="fg.muted">
            <Sentence
              parts={{
                workflow: (
                  <AppLink inText to={paths.definition(workflowId)}>
                    {workflowId}
                  </AppLink>
                ),
                version: definition.version,
              }}
              text="start.will"
            />
          </Text>
          {typeof document.description === "string" ? <Markdown text={document.description} /> : null}
        </Stack>
        {failure === null ? null : (
          <StartFailure
            failure={failure}
            onReload={() => {
              setFailure(null);
              onReload();
            }}
          />
        )}
        {loading.waiting ? (
          <Notice
            action={
              <Button onClick={loading.stop} size="xs" variant="outline">
                {t("start.stopWaiting")}
              </Button>
            }
            title={t("start.loading", { version: definition.version })}
          >
            {t("start.loadingText")}
          </Notice>
        ) : null}
        <SchemaForm errors={errors} onChange={setValue} schema={schema} value={value} />
        <Labelled help={t("start.correlationHelp")} id="correlation-id" label={t("common.correlationId")}>
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
            {t("definition.start")}
          </Button>
          <Button onClick={() => navigate(-1)} size="sm" variant="ghost">
            {t("pages.back")}
          </Button>
        </HStack>
      </Stack>
    </form>
  );
}

function StartFailure({ failure, onReload }: { failure: Failure; onReload: () => void }) {
  if (failure.code !== "version-changed") return <FailureNotice failure={failure} />;
  return (
    <FailureNotice
      failure={failure}
      onRetry={onReload}
      retry={t("start.showNew")}
      title={t("start.changed")}
    />
  );
}

const BETWEEN_TRIES = 5;

type LoadingVersion = {
  waiting: boolean;
  stop: () => void;
  /** Send a start until Airflow has loaded the version; null where that was stopped. */
  until: (send: () => Promise<Instance>) => Promise<Instance | null>;
};

/** Starts that wait for Airflow to load the version that is to run, for as long as the page is open. */
function useLoadingVersion(): LoadingVersion {
  const [waiting, setWaiting] = useState(false);
  const stopped = useRef<AbortController | null>(null);
  useEffect(() => () => stopped.current?.abort(), []);
  const until = async (send: () => Promise<Instance>): Promise<Instance | null> => {
    const control = new AbortController();
    stopped.current = control;
    // The first request may wait at the server already.
    const slow = setTimeout(() => setWaiting(true), 1500);
    try {
      while (!control.signal.aborted) {
        try {
          return await send();
        } catch (error) {
          const refused = asFailure(error);
          if (refused.code !== "workflow-not-loaded") throw error;
          setWaiting(true);
          await passed(refused.retryAfter ?? BETWEEN_TRIES, control.signal);
        }
      }
      return null;
    } finally {
      clearTimeout(slow);
      setWaiting(false);
    }
  };
  return { waiting, stop: () => stopped.current?.abort(), until };
}

/** Wait for some seconds, or until a signal ends it. */
function passed(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}
