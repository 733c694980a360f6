import { fireEvent, screen, waitFor } from "@testing-library/react";
import type { Question } from "src/api/schema.gen";
import { type Act, QuestionForm } from "src/people/QuestionForm";
import { answering, json } from "src/testing/answers";
import { show } from "src/testing/render";
import { expect, test } from "vitest";

const question: Question = {
  id: "7c2d4a10-0000-4000-8000-000000000001",
  instanceId: "3f9c1a52-0000-4000-8000-000000000001",
  workflowId: "w",
  stepId: "decide",
  dagId: "w",
  runId: "manual__1",
  kind: "approval",
  status: "open",
  subject: "Raise the limit?",
  body: null,
  schema: {
    type: "object",
    required: ["limit"],
    properties: { limit: { type: "number", title: "Limit" } },
  },
  defaults: {},
  options: ["approve", "reject"],
  optionLabels: {},
  commentRequired: ["reject"],
  minApprovals: 1,
  assignees: { roles: ["op"], users: [], groups: [] },
  claimedBy: null,
  votes: [],
  ownVote: null,
  answer: null,
  mayAnswer: true,
  askedAt: "2026-01-01T10:00:00Z",
  dueAt: null,
} as unknown as Question;

function press(name: string): void {
  fireEvent.click(screen.getByRole("button", { name }));
}

test("a rejection needs its comment, but not the form of the approval", async () => {
  const sent = answering(json({ ...question, status: "answered" }));
  const acts: Act[] = [];
  show(<QuestionForm onChanged={(act) => acts.push(act)} question={question} />);
  press("Reject");
  expect(screen.getByText("A comment is required for “Reject”")).toBeTruthy();
  expect(screen.queryByText("Required")).toBeNull();
  fireEvent.change(screen.getByLabelText("Comment"), { target: { value: "too risky" } });
  press("Reject");
  await waitFor(() => expect(acts).toHaveLength(1));
  expect(sent[0]?.body).toEqual({ decision: "reject", comment: "too risky" });
  expect(acts[0]?.words).toBe("Answer recorded: Reject");
});

test("an approval needs the form, and its numbers are numbers", async () => {
  const sent = answering(json({ ...question, status: "answered" }));
  show(<QuestionForm onChanged={() => undefined} question={question} />);
  press("Approve");
  expect(screen.getByText("Required")).toBeTruthy();
  fireEvent.change(screen.getByLabelText(/Limit/), { target: { value: "abc" } });
  press("Approve");
  expect(screen.getByText("Enter a number, for example 1500.50")).toBeTruthy();
  expect(sent).toHaveLength(0);
  fireEvent.change(screen.getByLabelText(/Limit/), { target: { value: "1500.50" } });
  press("Approve");
  await waitFor(() => expect(sent).toHaveLength(1));
  expect(sent[0]?.body).toEqual({ decision: "approve", form: { limit: 1500.5 } });
});

test("who reassigns a question is not told that an answer was recorded", async () => {
  const users = { items: [{ user: "grace", name: "Grace Hopper" }] };
  const sent = answering((request) => json(request.method === "GET" ? users : question));
  const acts: Act[] = [];
  show(<QuestionForm onChanged={(act) => acts.push(act)} question={question} />);
  press("Reassign…");
  const offered = await screen.findByRole("option", { name: "Grace Hopper", hidden: true });
  expect(offered.getAttribute("value")).toBe("grace");
  fireEvent.change(screen.getByLabelText("Reassign to"), { target: { value: "ada" } });
  press("Reassign");
  await waitFor(() => expect(acts).toHaveLength(1));
  expect(sent.find(({ method }) => method === "POST")?.url.pathname).toMatch(/\/delegate$/);
  expect(acts[0]).toMatchObject({ name: "delegate", words: "Reassigned to ada" });
});

test("a question of two people cannot be taken by one, and says how many chose", () => {
  const vote = {
    by: { id: "ada", name: "Ada" },
    decision: "approve",
    form: {},
    at: "2026-01-01T11:00:00Z",
    comment: null,
  };
  const two = { ...question, minApprovals: 2, votes: [vote] } as unknown as Question;
  show(<QuestionForm onChanged={() => undefined} question={two} />);
  expect(screen.queryByRole("button", { name: "Take it" })).toBeNull();
  expect(screen.getByText("1 of 2 people chose “Approve”.")).toBeTruthy();
});

test("who may not answer reads who may", () => {
  show(<QuestionForm onChanged={() => undefined} question={{ ...question, mayAnswer: false }} />);
  expect(screen.getByText("Only people with role op can answer.")).toBeTruthy();
});

test.each([
  ["initiator-excluded", /You started this workflow or changed its data/],
  ["question-claimed", /Ada has taken this task/],
  ["already-voted", /You have already answered/],
  ["forbidden", /You have no permission/],
  ["not-asked", /Only people with role op can answer/],
] as const)("who may not answer reads why: %s", (refusal, words) => {
  const refused = { ...question, mayAnswer: false, refusal, claimedBy: { id: "ada", name: "Ada" } };
  show(<QuestionForm onChanged={() => undefined} question={refused} />);
  expect(screen.getByText(words)).toBeTruthy();
  expect(screen.queryByRole("button")).toBeNull();
});

test("how many have to choose is said before anybody has", () => {
  show(<QuestionForm onChanged={() => undefined} question={{ ...question, minApprovals: 2 }} />);
  expect(screen.getByText("0 of 2 people chose “Approve”.")).toBeTruthy();
});

test("an option has the label of its definition everywhere, and is sent by its name", async () => {
  const labels = { approve: "Release the payment" };
  const sent = answering(json({ ...question, status: "answered" }));
  const acts: Act[] = [];
  const labelled = { ...question, schema: null, optionLabels: labels, minApprovals: 2 };
  show(<QuestionForm onChanged={(act) => acts.push(act)} question={labelled} />);
  expect(screen.getByText("0 of 2 people chose “Release the payment”.")).toBeTruthy();
  press("Release the payment");
  await waitFor(() => expect(acts[0]?.words).toBe("Answer recorded: Release the payment"));
  expect(sent[0]?.body).toEqual({ decision: "approve" });
});

test("the first field that is wrong has the focus", async () => {
  show(<QuestionForm onChanged={() => undefined} question={question} />);
  press("Approve");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText(/Limit/)));
  press("Reject");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByLabelText("Comment")));
});

test("what was decided, and what oneself answered, can be read afterwards", () => {
  const vote = {
    by: { id: "ada", name: "Ada" },
    decision: "reject",
    form: { limit: 5 },
    at: "2026-01-01T11:00:00Z",
    comment: "too risky",
  };
  const answered: Question = {
    ...question,
    status: "answered",
    mayAnswer: false,
    votes: [vote],
    ownVote: vote,
    answer: vote,
  };
  show(<QuestionForm onChanged={() => undefined} question={answered} />);
  expect(screen.getByText(/^You chose “Reject”,.*– too risky$/)).toBeTruthy();
  expect(screen.getByText("Limit").nextSibling?.textContent).toBe("5");
  expect(screen.getByText("This task is answered. Decision: Reject.")).toBeTruthy();
});
