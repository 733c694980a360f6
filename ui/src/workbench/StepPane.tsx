import { Button, chakra, Heading, HStack, Stack, Text } from "@chakra-ui/react";
import { useId, useState } from "react";
import type { DefinitionGraph, GraphEdge } from "src/api/schema.gen";
import { Labelled } from "src/forms/Labelled";
import { SchemaForm } from "src/forms/SchemaForm";
import { check, isObject, resolved } from "src/forms/schema";
import { Choice } from "src/parts/Choice";
import { type TextKey, t } from "src/texts";
import {
  changeStep,
  connect,
  type Draft,
  duplicate,
  freeId,
  insertAfter,
  insertFirst,
  reconnect,
  remove,
  rename,
} from "src/workbench/edits";
import { type Outline, type Place, siblings, valueAt } from "src/workbench/outline";
import type { Tasks } from "src/workbench/schema";
import { END, FAIL } from "src/workbench/shape";
import { SECTIONS, type Section, type StepValue, sectionSchema, withoutEmpty } from "src/workbench/stepForm";

type Props = {
  text: string;
  outline: Outline;
  place: Place | null;
  graph: DefinitionGraph;
  tasks: Tasks;
  /** Makes a change; the cursor goes to the step that is named. */
  onChange: (draft: Draft, stepId: string) => void;
};

/** The step at the cursor: what can be done with it, where it leads, and its form. */
export function StepPane(props: Props) {
  const { text, outline, place, graph, onChange } = props;
  if (!outline.whole) return <Text color="fg.muted">{t("workbench.partly")}</Text>;
  if (place === null) {
    const added = { stepId: freeId(outline, "step"), taskId: "noop" };
    return (
      <Stack align="flex-start">
        <Text color="fg.muted">{t("workbench.noStep")}</Text>
        <Button
          onClick={() => onChange(insertFirst(text, ["steps"], added), added.stepId)}
          size="xs"
          variant="outline"
        >
          {t("workbench.addFirst")}
        </Button>
      </Stack>
    );
  }
  const step = valueAt(outline.document, place.path) as StepValue;
  return (
    <Stack gap={4}>
      <Heading as="h3" size="sm">
        {place.stepId}
      </Heading>
      <Tools {...props} place={place} step={step} />
      <Ways {...props} edges={graph.edges.filter((edge) => edge.stepId === place.stepId)} place={place} />
      <Form {...props} key={`${place.path.join("/")} ${JSON.stringify(step)}`} place={place} step={step} />
    </Stack>
  );
}

type StepProps = Props & { place: Place; step: StepValue };

function Tools({ text, outline, place, step, onChange }: StepProps) {
  const added = { stepId: freeId(outline, "step"), taskId: "noop" };
  const copy = freeId(outline, place.stepId);
  const inner = innerLists(step);
  return (
    <HStack aria-label={t("common.actions")} flexWrap="wrap" gap={1} role="group">
      <Button
        onClick={() => onChange(insertAfter(text, place, added), added.stepId)}
        size="xs"
        variant="outline"
      >
        {t("workbench.addAfter")}
      </Button>
      {inner.map(({ name, path }) => (
        <Button
          key={name}
          onClick={() => onChange(insertFirst(text, [...place.path, ...path], added), added.stepId)}
          size="xs"
          variant="outline"
        >
          {t("workbench.addInside", { name })}
        </Button>
      ))}
      <Button onClick={() => onChange(duplicate(text, place), copy)} size="xs" variant="outline">
        {t("workbench.duplicate")}
      </Button>
      <Button
        colorPalette="danger"
        onClick={() => onChange(remove(text, place), place.stepId)}
        size="xs"
        variant="outline"
      >
        {t("workbench.delete")}
      </Button>
    </HStack>
  );
}

/** The step lists inside a step, to which a first step can be added. */
function innerLists(step: StepValue): { name: string; path: (string | number)[] }[] {
  const branches = Array.isArray(step.parallelBranches) ? step.parallelBranches : [];
  const found = branches.map((branch, index) => ({
    name: isObject(branch) ? String(branch.branchId) : String(index),
    path: ["parallelBranches", index, "steps"],
  }));
  return isObject(step.forEach) ? [...found, { name: "forEach", path: ["forEach", "steps"] }] : found;
}

function Ways({ text, outline, place, edges, onChange }: Props & { place: Place; edges: GraphEdge[] }) {
  const targets = [...siblings(outline, place), END, FAIL];
  return (
    <Stack gap={2}>
      {edges.map((edge) => (
        <TargetField
          key={edge.id}
          label={wordsOf(edge)}
          onChange={(target) => onChange(reconnect(text, place, edge.id, target), place.stepId)}
          targets={targets}
          value={edge.decision ?? END}
        />
      ))}
      <HStack>
        <Button onClick={() => onChange(connect(text, place, END), place.stepId)} size="xs" variant="outline">
          {t("workbench.addWay")}
        </Button>
      </HStack>
    </Stack>
  );
}

function wordsOf({ kind, label }: GraphEdge): string {
  if (kind === "error") return t("workbench.onError", { error: label ?? "" });
  return label ? t("workbench.when", { condition: label }) : t("workbench.then");
}

type TargetProps = { label: string; value: string; targets: string[]; onChange: (target: string) => void };

function TargetField({ label, value, targets, onChange }: TargetProps) {
  const id = useId();
  return (
    <Labelled id={id} label={label}>
      <Choice choices={targets} id={id} onChange={onChange} value={value} />
    </Labelled>
  );
}

const TITLES: Record<Section, TextKey> = {
  task: "workbench.task",
  ways: "workbench.ways",
  failure: "workbench.failure",
};
const STEP_ID = { type: "string", pattern: "^[A-Za-z0-9_-]{1,100}$" };

function Form({ text, outline, place, step, tasks, onChange }: StepProps) {
  const [value, setValue] = useState<StepValue>(step);
  const [stepId, setStepId] = useState(place.stepId);
  const targets = [...siblings(outline, place), END, FAIL];
  const errors = check(resolved(STEP_ID, STEP_ID), stepId, STEP_ID)[""] ?? [];
  const taken = stepId !== place.stepId && freeId(outline, stepId) !== stepId;
  const changed = withoutEmpty(value, step);
  const same = stepId === place.stepId && JSON.stringify(changed) === JSON.stringify(step);
  const messages = taken ? [t("workbench.taken")] : errors;
  const apply = () => {
    const draft = changeStep(text, place, changed);
    onChange(stepId === place.stepId ? draft : draft.and((edited) => rename(edited, place, stepId)), stepId);
  };
  return (
    <Stack aria-label={t("workbench.form")} as="section" gap={3}>
      <SchemaForm
        errors={{ "": messages }}
        name="stepId"
        onChange={(typed) => setStepId(typeof typed === "string" ? typed : "")}
        schema={STEP_ID}
        value={stepId}
      />
      {(Object.keys(SECTIONS) as Section[]).map((section) => (
        <chakra.details borderWidth="1px" key={section} open={section === "task"} p={2} rounded="md">
          <chakra.summary cursor="pointer" fontWeight="medium">
            {t(TITLES[section])}
          </chakra.summary>
          <Stack mt={2}>
            <SchemaForm
              errors={{}}
              onChange={(typed) => setValue(typed as StepValue)}
              schema={sectionSchema(section, value, tasks, targets)}
              value={value}
            />
          </Stack>
        </chakra.details>
      ))}
      <HStack>
        <Button disabled={same || messages.length > 0} onClick={apply} size="sm">
          {t("workbench.apply")}
        </Button>
      </HStack>
    </Stack>
  );
}
