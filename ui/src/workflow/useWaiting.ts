// What the waiting steps of an instance wait for.

import { useEffect, useRef } from "react";
import { useLive } from "src/api/polling";
import type { InstanceView, QuestionPage, WaitingSteps } from "src/api/schema.gen";
import { waitingSteps } from "src/workflow/instance";
import type { Waiting } from "src/workflow/status";

const EVERY = 15_000;

/** The open questions and the awaited events of an instance, asked for only while a step waits; events only where no
 * question is what it waits for. */
export function useWaiting(view: InstanceView): Waiting {
  const waiting =
    view.displayStatus === "waiting" || view.displayStatus === "running" ? waitingSteps(view) : "";
  const options = { every: EVERY, enabled: waiting !== "" };
  const questions = useLive<QuestionPage>("/questions", {
    query: { instanceId: view.id, mine: false, limit: 50 },
    ...options,
  });
  const asked = questions.data?.items.map(({ stepId }) => stepId);
  const others =
    asked !== undefined &&
    view.steps.some(({ status, stepId }) => status === "waiting" && !asked.includes(stepId));
  const waits = useLive<WaitingSteps>("/waits", {
    query: { instance: view.id, limit: 50 },
    every: EVERY,
    enabled: waiting !== "" && others,
  });
  const known = useRef(waiting);
  const refreshes = [questions.refresh, waits.refresh];
  useEffect(() => {
    if (known.current !== waiting) for (const refresh of refreshes) refresh();
    known.current = waiting;
  });
  return { questions: questions.data?.items ?? [], waits: waits.data?.items ?? [] };
}
