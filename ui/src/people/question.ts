// What a workflow asks people.

import type { Schema } from "src/forms/schema";

export type Person = { id: string; name: string };
export type Vote = { by: Person; decision: string; comment: string | null; at: string };
export type QuestionStatus = "open" | "answered" | "expired" | "withdrawn";

export type Question = {
  id: string;
  workflowId: string;
  instanceId: string;
  dagId: string;
  runId: string;
  stepId: string;
  scope: string;
  visit: number;
  kind: "approval" | "form";
  subject: string;
  /** Markdown. */
  body: string | null;
  options: string[];
  schema: Schema | null;
  defaults: Record<string, unknown> | null;
  /** The options for which a comment must be given. */
  commentRequired: string[];
  minApprovals: number;
  assignees: { users: string[]; roles: string[]; groups: string[] };
  claimedBy: string | null;
  askedAt: string;
  dueAt: string | null;
  status: QuestionStatus;
  votes: Vote[];
  answer: { decision: string; form: unknown; comment: string | null; by: Person | null; at: string } | null;
  mayAnswer: boolean;
};

export type QuestionPage = { items: Question[]; next: string | null };

/** Who is asked, in words. */
export function asked({ users, roles, groups }: Question["assignees"]): string {
  const parts = [
    ...users,
    ...roles.map((role) => `role ${role}`),
    ...groups.map((group) => `group ${group}`),
  ];
  return parts.length === 0 ? "everybody" : parts.join(", ");
}
