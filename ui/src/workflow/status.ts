// The status of an instance in one sentence.

import type { InstanceView, Question, ShortError, StepState, WaitingStep } from "src/api/schema.gen";
import { clock, duration, moment } from "src/parts/times";
import { optionName, whoIsAsked, whyNot } from "src/people/question";
import { conjunction, t } from "src/texts";

export type Waiting = { questions: readonly Question[]; waits: readonly WaitingStep[] };
type Names = ReadonlyMap<string, string>;

/** What the instance does, waits for, or ended with. */
export function statusSentence(view: InstanceView, names: Names, waiting: Waiting, now: number): string {
  const took = duration(
    (view.completedAt === null ? now : Date.parse(view.completedAt)) - Date.parse(view.startedAt),
  );
  switch (view.displayStatus) {
    case "completed":
      return t("sentence.completed", { took });
    case "cancelled":
      return String(view.error?.message ?? t("sentence.cancelled"));
    case "failed":
      return failed(view, names, took);
    case "suspended":
      return t("sentence.suspended");
    case "queued":
      return t(view.queuePosition == null ? "sentence.queued" : "sentence.queuedAt", {
        place: view.queuePosition,
      });
    default:
      return live(view, names, waiting, now);
  }
}

function failed(view: InstanceView, names: Names, took: string): string {
  const { stepId, type, code } = (view.error ?? {}) as { stepId?: unknown; type?: string; code?: string };
  const error = nameOfError({ type, code });
  return typeof stepId === "string"
    ? t("sentence.failedIn", { step: names.get(stepId) ?? stepId, error, took })
    : t("sentence.failed", { error, took });
}

function nameOfError(error: ShortError | null | undefined): string {
  return [error?.type, error?.code].filter(Boolean).join(" ") || t("common.error");
}

/** What the step does that people can do most about; of others only how many they are. */
function live(view: InstanceView, names: Names, waiting: Waiting, now: number): string {
  const asked = waiting.questions.find(({ mayAnswer }) => mayAnswer) ?? waiting.questions[0];
  const active = view.steps.filter(({ status }) =>
    ["pending", "running", "waiting", "retrying"].includes(status),
  );
  const first = (status: StepState["status"]) => active.find((each) => each.status === status);
  const step = first("retrying") ?? first("waiting") ?? active.at(-1);
  const wait = waiting.waits[0];
  const others = t("sentence.others", { count: Math.max(0, active.length - 1) });
  const sentence =
    asked !== undefined
      ? asks(asked, now)
      : wait !== undefined
        ? waitsForEvent(wait, now)
        : step === undefined
          ? t("sentence.between")
          : ofStep(step, names.get(step.stepId) ?? step.stepId, now);
  return active.length > 1 ? `${sentence} ${others}` : sentence;
}

function asks(question: Question, now: number): string {
  const { minApprovals, options, votes, dueAt } = question;
  const approval = options[0] ?? "";
  const given = votes.filter(({ decision }) => decision === approval).length;
  const parts = [
    t("sentence.asks", {
      who: whoIsAsked(question.assignees) ?? t("overview.anyone"),
      duration: duration(now - Date.parse(question.askedAt)),
    }),
    ...(dueAt === null ? [] : [t("sentence.due", { time: moment(new Date(dueAt)) })]),
    ...(minApprovals > 1
      ? [t("sentence.votes", { given, count: minApprovals, option: optionName(approval, question) })]
      : []),
  ];
  const sentence = `${parts.join(", ")}.`;
  return question.mayAnswer || question.refusal === "not-asked"
    ? sentence
    : `${sentence} ${whyNot(question)}`;
}

function waitsForEvent(wait: WaitingStep, now: number): string {
  const keys = Object.entries(wait.correlation).map(([name, value]) => `${name} ${text(value)}`);
  const event =
    keys.length === 0
      ? wait.pattern
      : t("sentence.eventWith", { pattern: wait.pattern, keys: conjunction(keys) });
  const since = duration(now - Date.parse(wait.waitingSince));
  return wait.deadlineAt === null
    ? t("sentence.event", { event, duration: since })
    : t("sentence.eventUntil", { event, duration: since, time: moment(new Date(wait.deadlineAt)) });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function ofStep(state: StepState, step: string, now: number): string {
  const attempt = (state.attempt ?? 1) + (state.status === "retrying" ? 1 : 0);
  const number =
    state.maxAttempts == null
      ? t("sentence.attempt", { attempt })
      : t("sentence.attemptOf", { attempt, most: state.maxAttempts });
  if (state.status === "retrying" && state.retryAt != null) {
    return t("sentence.retrying", {
      step,
      number,
      time: clock(new Date(state.retryAt), new Date(now)),
      error: nameOfError(state.error),
    });
  }
  const since = duration(now - Date.parse(state.startedAt ?? new Date(now).toISOString()));
  if (state.status === "waiting") return t("sentence.waits", { step, duration: since });
  if (state.status === "pending" || state.startedAt == null) return t("sentence.pending", { step });
  return attempt > 1
    ? t("sentence.runsAgain", { step, number, duration: since })
    : t("sentence.runs", { step, duration: since });
}
