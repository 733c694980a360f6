// What a workflow asks people.

import type { Question } from "src/api/schema.gen";

/** Who is asked, in words. */
export function asked(assignees: Question["assignees"]): string {
  const { users = [], roles = [], groups = [] } = assignees ?? {};
  const parts = [
    ...users,
    ...roles.map((role) => `role ${role}`),
    ...groups.map((group) => `group ${group}`),
  ];
  return parts.length === 0 ? "whoever may answer in Airflow" : parts.join(", ");
}
