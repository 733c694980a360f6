import { Button, HStack, Progress, Stack, Text } from "@chakra-ui/react";
import { useEffect, useRef, useState } from "react";
import { asFailure, type Failure } from "src/api/client";
import type { BulkResult } from "src/api/schema.gen";
import type { FieldErrors } from "src/forms/schema";
import { BulkFields } from "src/nav/BulkFields";
import { BulkResultList } from "src/nav/BulkResultList";
import { lookAt, type Order, operate, outcomes } from "src/nav/bulk";
import { DialogFrame } from "src/parts/DialogFrame";
import { FailureNotice } from "src/parts/FailureNotice";
import { language, t } from "src/texts";
import {
  bodyOf,
  NOTHING,
  OPERATIONS,
  type Operation,
  problemsOf,
  type Values,
} from "src/workflow/operations";

type Props = {
  operation: Operation;
  wanted: { filter: Record<string, unknown> } | { ids: readonly string[] };
  onChanged: () => void;
  /** `finished`: whether something was done. */
  onClose: (finished: boolean) => void;
};

/** What is asked, looked at, being done, done. */
type Stage = "ask" | "looking" | "looked" | "doing" | "done";

/** An operation on many instances: what it needs, what it would do, its progress and its results. */
export function BulkDialog({ operation, wanted, onChanged, onClose }: Props) {
  const about = OPERATIONS[operation];
  const [values, setValues] = useState<Values>({
    ...NOTHING,
    document: operation === "skip" ? {} : undefined,
  });
  const [errors, setErrors] = useState<FieldErrors>({});
  const [stage, setStage] = useState<Stage>("ask");
  const [results, setResults] = useState<readonly BulkResult[]>([]);
  const [failure, setFailure] = useState<Failure | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);

  const order = (): Order => ({ operation, ...bodyOf(operation, values) });
  const meant = results.filter(({ outcome }) => outcome === "would").map(({ instanceId }) => instanceId);
  const [planned, setPlanned] = useState(0);

  const run = async (
    from: Stage,
    to: Stage,
    back: Stage,
    work: (signal: AbortSignal) => Promise<readonly BulkResult[]>,
  ) => {
    const request = new AbortController();
    stop.current = request;
    setFailure(null);
    setStage(from);
    try {
      setResults(await work(request.signal));
      setStage(to);
    } catch (error) {
      if (error instanceof DOMException) {
        setStage(back);
        return;
      }
      setFailure(asFailure(error));
      setStage(back);
    }
  };
  const look = () => {
    const problems = problemsOf(operation, values);
    setErrors(problems);
    if (Object.keys(problems).length > 0) return;
    setResults([]);
    void run("looking", "looked", "ask", (signal) =>
      lookAt(order(), wanted, (found) => setResults([...found]), signal),
    );
  };
  const go = async () => {
    const ids = meant;
    setPlanned(ids.length);
    setResults([]);
    await run("doing", "done", "done", (signal) =>
      operate(order(), ids, (found) => setResults([...found]), signal),
    );
    onChanged();
  };
  const close = () => {
    stop.current?.abort();
    onClose(stage === "done" || stage === "doing");
  };

  return (
    <DialogFrame
      closable={stage !== "doing"}
      closesOutside={false}
      footer={
        <>
          {stage === "doing" ? (
            <Button onClick={() => stop.current?.abort()} size="sm" variant="outline">
              {t("bulk.stop")}
            </Button>
          ) : (
            <Button onClick={close} size="sm" variant="outline">
              {t("common.close")}
            </Button>
          )}
          {stage === "looked" ? (
            <Button onClick={() => setStage("ask")} size="sm" variant="outline">
              {t("pages.back")}
            </Button>
          ) : null}
          {stage === "ask" || stage === "looking" ? (
            <Button colorPalette="brand" loading={stage === "looking"} onClick={look} size="sm">
              {t("bulk.preview")}
            </Button>
          ) : null}
          {stage === "looked" && meant.length > 0 ? (
            <Button colorPalette={about.danger ? "danger" : "brand"} onClick={() => void go()} size="sm">
              {t("bulk.confirm", {
                operation: t(about.title),
                count: meant.length,
                number: meant.length.toLocaleString(language()),
              })}
            </Button>
          ) : null}
        </>
      }
      onClose={close}
      size="lg"
      title={t("bulk.title", { operation: t(about.title) })}
    >
      <Stack gap={4}>
        {failure === null ? null : <FailureNotice failure={failure} />}
        {stage === "ask" ? (
          <>
            <Text>{t(about.text)}</Text>
            <BulkFields errors={errors} onChange={setValues} operation={operation} values={values} />
          </>
        ) : null}
        {stage === "looking" ? <Bar done={results.length} of={null} words="bulk.looking" /> : null}
        {stage === "doing" ? <Bar done={results.length} of={planned} words="bulk.doing" /> : null}
        {stage === "looked" ? <Text fontWeight="medium">{wouldWords(results)}</Text> : null}
        {stage === "done" ? (
          <Text fontWeight="medium" role="status">
            {doneWords(results, planned)}
          </Text>
        ) : null}
        {stage === "ask" ? null : <BulkResultList results={results} />}
      </Stack>
    </DialogFrame>
  );
}

type BarProps = { done: number; of: number | null; words: "bulk.looking" | "bulk.doing" };

function Bar({ done, of, words }: BarProps) {
  const numbers = { count: of ?? done, done: done.toLocaleString(language()) };
  return (
    <Progress.Root
      aria-label={t(words, { ...numbers, number: (of ?? done).toLocaleString(language()) })}
      colorPalette="brand"
      size="sm"
      value={of === null ? null : (100 * done) / Math.max(of, 1)}
    >
      <HStack gap={3}>
        <Progress.Track flex="1">
          <Progress.Range />
        </Progress.Track>
        <Text fontSize="xs" whiteSpace="nowrap">
          {t(words, { ...numbers, number: (of ?? done).toLocaleString(language()) })}
        </Text>
      </HStack>
    </Progress.Root>
  );
}

function wouldWords(results: readonly BulkResult[]): string {
  const counted = outcomes(results);
  const would = counted.get("would") ?? 0;
  const not = results.length - would;
  const first = t("bulk.would", { count: would, number: would.toLocaleString(language()) });
  return not === 0
    ? first
    : `${first} ${t("bulk.wouldNot", { count: not, number: not.toLocaleString(language()) })}`;
}

function doneWords(results: readonly BulkResult[], planned: number): string {
  const done = outcomes(results).get("done") ?? 0;
  return t("bulk.done", {
    done: done.toLocaleString(language()),
    number: planned.toLocaleString(language()),
    count: planned,
  });
}
