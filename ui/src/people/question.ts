// What a workflow asks people.

import type { Question } from "src/api/schema.gen";

/** Who may answer, as a sentence. */
export function whoMayAnswer(assignees: Question["assignees"]): string {
  const { users = [], roles = [], groups = [] } = assignees ?? {};
  const parts = [
    ...users,
    ...roles.map((role) => `people with role ${role}`),
    ...groups.map((group) => `members of ${group}`),
  ];
  return parts.length === 0
    ? "Anyone with permission in Airflow can answer."
    : `Only ${new Intl.ListFormat("en").format(parts)} can answer.`;
}
