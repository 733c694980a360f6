// What a workflow asks people.

import type { Question } from "src/api/schema.gen";
import { conjunction, nameOf, t } from "src/texts";

/** Why the user may not answer an open question. */
export function whyNot({ refusal, assignees, claimedBy }: Question): string {
  if (refusal == null || refusal === "not-asked") return whoMayAnswer(assignees);
  return t(`task.refusal.${refusal}`, { user: claimedBy?.name ?? "" });
}

/** Who may answer, as a sentence. */
function whoMayAnswer(assignees: Question["assignees"]): string {
  const people = whoIsAsked(assignees);
  return people === null ? t("task.anyone") : t("task.only", { people });
}

/** Whom a question asks; null where it is anyone with permission in Airflow. */
export function whoIsAsked(assignees: Question["assignees"]): string | null {
  const { users = [], roles = [], groups = [] } = assignees ?? {};
  const parts = [
    ...users,
    ...roles.map((role) => t("task.withRole", { role })),
    ...groups.map((group) => t("task.inGroup", { group })),
  ];
  return parts.length === 0 ? null : conjunction(parts);
}

/** What a button says for an option: its label, the translated name of a built-in one, or its own name. */
export function optionName(option: string, { optionLabels }: Pick<Question, "optionLabels">): string {
  return Object.hasOwn(optionLabels, option)
    ? (optionLabels[option] ?? option)
    : nameOf("task.option", option);
}
