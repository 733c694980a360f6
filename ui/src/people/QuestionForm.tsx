import { Button, HStack, Input, Stack, Text, Textarea } from "@chakra-ui/react";
import { useId, useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { Question } from "src/api/schema.gen";
import { Labelled } from "src/forms/Labelled";
import { SchemaForm } from "src/forms/SchemaForm";
import { byField, check, type FieldErrors, initial, isObject } from "src/forms/schema";
import { FailureNotice } from "src/parts/FailureNotice";
import { Markdown } from "src/parts/Markdown";
import { Time } from "src/parts/Time";
import { asked } from "src/people/question";

type Props = { question: Question; onChanged: (question: Question) => void };

/** A question with its form, and what has been said to it so far. */
export function QuestionForm({ question, onChanged }: Props) {
  const { schema } = question;
  const [form, setForm] = useState<unknown>(() => ({
    ...(schema === null ? {} : (initial(schema, schema) as object | undefined)),
    ...question.defaults,
  }));
  const [comment, setComment] = useState("");
  const [errors, setErrors] = useState<FieldErrors>({});
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const commentId = useId();

  const act = async (name: string, path: string, body: unknown) => {
    setBusy(name);
    setFailure(null);
    try {
      onChanged(
        await call<Question>(`/questions/${encodeURIComponent(question.id)}/${path}`, {
          method: "POST",
          body,
        }),
      );
    } catch (error) {
      const refused = asFailure(error);
      const { fields, others } = byField(refused.findings, "/form");
      const atComment = byField(refused.findings, "/comment").fields[""];
      setErrors(atComment === undefined ? fields : { ...fields, "/comment:": atComment });
      if (others.length > 0 || Object.keys(fields).length === 0) setFailure(refused);
    } finally {
      setBusy(null);
    }
  };
  const answer = (decision: string) => {
    const found = schema === null ? {} : check(schema, form, schema);
    const missing = question.commentRequired.includes(decision) && comment.trim() === "";
    const all = missing ? { ...found, "/comment:": [`“${decision}” needs a comment`] } : found;
    setErrors(all);
    if (Object.keys(all).length > 0) return;
    void act(decision, "answer", {
      decision,
      ...(schema === null || !isObject(form) ? {} : { form }),
      ...(comment.trim() === "" ? {} : { comment }),
    });
  };
  const commentErrors = errors["/comment:"] ?? [];
  return (
    <Stack gap={3} maxW="2xl">
      {question.body === null ? null : <Markdown text={question.body} />}
      <Votes question={question} />
      {failure === null ? null : <FailureNotice failure={failure} />}
      {question.status !== "open" || !question.mayAnswer ? (
        <Text color="fg.muted">
          {question.status === "open"
            ? `This is for ${asked(question.assignees)}.`
            : `This question is ${question.status}.`}
        </Text>
      ) : (
        <>
          {schema === null ? null : (
            <SchemaForm errors={errors} onChange={setForm} schema={schema} value={form} />
          )}
          <Labelled
            help={
              question.commentRequired.length > 0
                ? `Needed for ${question.commentRequired.join(", ")}.`
                : undefined
            }
            id={commentId}
            label="Comment"
            messages={commentErrors}
          >
            <Textarea
              aria-describedby={`${commentId}-about`}
              aria-invalid={commentErrors.length > 0}
              id={commentId}
              onChange={(event) => setComment(event.target.value)}
              rows={2}
              size="sm"
              value={comment}
            />
          </Labelled>
          <HStack flexWrap="wrap">
            {question.options.map((option, index) => (
              <Button
                disabled={busy !== null}
                key={option}
                loading={busy === option}
                onClick={() => answer(option)}
                size="sm"
                variant={index === 0 ? "solid" : "outline"}
              >
                {option}
              </Button>
            ))}
            <Claim act={act} busy={busy !== null} question={question} />
            <HandOver act={act} busy={busy !== null} />
          </HStack>
        </>
      )}
    </Stack>
  );
}

type ClaimProps = {
  question: Question;
  busy: boolean;
  act: (name: string, path: string, body: unknown) => Promise<void>;
};

function Claim({ question, busy, act }: ClaimProps) {
  const path = question.claimedBy === null ? "claim" : "release";
  return (
    <Button disabled={busy} onClick={() => void act(path, path, {})} size="sm" variant="ghost">
      {question.claimedBy === null ? "Claim" : `Release (claimed by ${question.claimedBy.name})`}
    </Button>
  );
}

/** Gives the question to somebody else. */
function HandOver({ busy, act }: Omit<ClaimProps, "question">) {
  const [to, setTo] = useState<string | null>(null);
  if (to === null) {
    return (
      <Button disabled={busy} onClick={() => setTo("")} size="sm" variant="ghost">
        Hand over…
      </Button>
    );
  }
  return (
    <HStack>
      <Input
        aria-label="Hand over to"
        onChange={(event) => setTo(event.target.value)}
        placeholder="User"
        size="sm"
        value={to}
        w={40}
      />
      <Button
        disabled={busy || to.trim() === ""}
        onClick={() => void act("delegate", "delegate", { to: to.trim() })}
        size="sm"
        variant="outline"
      >
        Hand over
      </Button>
      <Button onClick={() => setTo(null)} size="sm" variant="ghost">
        Cancel
      </Button>
    </HStack>
  );
}

function Votes({ question }: { question: Question }) {
  if (question.votes.length === 0) return null;
  return (
    <Stack gap={1}>
      {question.minApprovals > 1 ? (
        <Text color="fg.muted">{question.minApprovals} approvals are needed.</Text>
      ) : null}
      {question.votes.map((vote) => (
        <Text key={`${vote.by.id} ${vote.at}`} overflowWrap="anywhere">
          <b>{vote.by.name}</b>: {vote.decision}
          {vote.comment === null ? "" : ` – ${vote.comment}`} <Time at={vote.at} />
        </Text>
      ))}
    </Stack>
  );
}
