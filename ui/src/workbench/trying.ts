// A run of the text that is being written, in memory and in virtual time, as the graph and a scenario file have it.

import type { InstanceView, SimulateBody, SimulationResult, StepState } from "src/api/schema.gen";
import { isObject, type Schema } from "src/forms/schema";
import type { RunView } from "src/graph/states";
import scenarios from "../../../schema/scenario.schema.json";

/** What happens to a step: what its task gives, or what people answer. */
export type Scripted = { stepId: string; mock?: unknown; answer?: unknown };
/** @property start the virtual time at which it begins; none until it has run */
export type Script = { input: unknown; steps: Scripted[]; events: unknown[]; start?: string };

type Result = Pick<SimulationResult, "status" | "output" | "error" | "path" | "state" | "warnings">;
type Recorded = { status: string; visit?: number; attempt?: number; way?: string; next?: string } & Record<
  string,
  unknown
>;

/** The parts of a scenario file that a form asks for. */
export function partsOf(name: "MockOutcome" | "GivenAnswer" | "Arrival"): Schema {
  const parts = scenarios.$defs as Record<string, Schema>;
  return { ...parts[name], $defs: parts };
}

/** What is sent to try a document. */
export function bodyOf(document: Record<string, unknown>, script: Script): SimulateBody {
  return {
    definition: document,
    input: isObject(script.input) ? script.input : {},
    ...(script.start === undefined ? {} : { start: script.start }),
    ...scripted(script),
  } as SimulateBody;
}

/** The script as a scenario has it: outcomes and answers by the step, in their order. */
export function scripted({ steps, events }: Script) {
  const mocks: Record<string, unknown[]> = {};
  const answers: Record<string, unknown[]> = {};
  for (const { stepId, mock, answer } of steps) {
    if (mock !== undefined) mocks[stepId] = [...(mocks[stepId] ?? []), mock];
    if (answer !== undefined) answers[stepId] = [...(answers[stepId] ?? []), answer];
  }
  return { mocks, answers, events };
}

/** The steps of a run, with what is known of each. */
export function recordsOf({ state }: Result): Map<string, Recorded> {
  const steps = isObject(state.steps) ? Object.entries(state.steps) : [];
  return new Map(steps.filter((each): each is [string, Recorded] => isObject(each[1])));
}

/** The run as the graph shows the run of an instance. */
export function viewOf(result: Result): RunView {
  const records = [...recordsOf(result)];
  const steps = records.map(([stepId, { status, visit = 1, attempt = 1 }]) => ({
    stepId,
    status,
    visits: visit,
    attempts: attempt,
  }));
  const path = records.flatMap(([source, { way, next }]) =>
    typeof way === "string" ? [{ source, target: String(next ?? ""), way, count: 1 }] : [],
  );
  return {
    status: result.status,
    currentStepId: null,
    steps: steps as StepState[],
    path: path as InstanceView["path"],
    timeline: { complete: true, spans: [] },
  };
}

/** A scenario file: what was tried, and that it leads there again. */
export function scenarioFile(workflowId: string, name: string, script: Script, result: Result): string {
  const { mocks, answers, events } = scripted(script);
  const given = { mocks, answers, ...(events.length > 0 ? { events } : {}) };
  const used = Object.fromEntries(Object.entries(given).filter(([, each]) => Object.keys(each).length > 0));
  const steps = Object.fromEntries([...recordsOf(result)].map(([stepId, { status }]) => [stepId, status]));
  const outcome =
    result.status === "completed" ? { output: result.output } : { error: errorOf(result.error) };
  const scenario = {
    name,
    // What depends on the time is the same again.
    ...(script.start === undefined ? {} : { start: script.start }),
    input: script.input,
    ...used,
    expect: { status: result.status, steps, ...outcome },
  };
  return `${JSON.stringify({ workflow: workflowId, scenarios: [scenario] }, null, 2)}\n`;
}

function errorOf(error: unknown): Record<string, unknown> {
  const { type, code } = isObject(error) ? error : {};
  return { ...(type == null ? {} : { type }), ...(code == null ? {} : { code }) };
}
