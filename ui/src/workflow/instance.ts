import type { InstanceView } from "src/api/schema.gen";

/** Whether an instance has not ended. */
export function isLive({ status }: Pick<InstanceView, "status">): boolean {
  return status === "running" || status === "suspended";
}

/** The steps that wait, as a text that changes when a question may have come or gone. */
export function waitingSteps(view: InstanceView): string {
  return view.steps
    .filter(({ status }) => status === "waiting")
    .map(({ stepId, visits, attempts }) => `${stepId} ${visits} ${attempts}`)
    .join("|");
}

/** What people call an instance: its business key where it has one. */
export function nameOfInstance(of: { correlationId: string | null; runId: string }): string {
  return of.correlationId ?? of.runId;
}
