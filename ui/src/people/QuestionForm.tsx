import { Button, HStack, Input, Stack, Text, Textarea } from "@chakra-ui/react";
import { useId, useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { Question } from "src/api/schema.gen";
import { Labelled } from "src/forms/Labelled";
import { SchemaForm } from "src/forms/SchemaForm";
import { byField, check, type FieldErrors, initial, isObject } from "src/forms/schema";
import { FailureNotice } from "src/parts/FailureNotice";
import { Markdown } from "src/parts/Markdown";
import { Sentence } from "src/parts/Sentence";
import { Time } from "src/parts/Time";
import { optionName, whyNot } from "src/people/question";
import { conjunction, statusName, t } from "src/texts";

/** What a person just did with a question; the question is as it is afterwards. */
export type Act = { name: "answer" | "claim" | "release" | "delegate"; words: string; question: Question };

type Props = { question: Question; onChanged: (act: Act) => void };

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

  const act: Send = async (name, body, words, pressed = name) => {
    setBusy(pressed);
    setFailure(null);
    try {
      const changed = await call<Question>(`/questions/${encodeURIComponent(question.id)}/${name}`, {
        method: "POST",
        body,
      });
      onChanged({ name, words, question: changed });
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
    const wrong = schema === null ? {} : check(schema, form, schema);
    // Only the first option needs the form; with another it is sent if it is complete, and left out otherwise.
    const found = decision === question.options[0] ? wrong : {};
    const missing = question.commentRequired.includes(decision) && comment.trim() === "";
    const all = missing
      ? { ...found, "/comment:": [t("task.commentFor", { option: optionName(decision) })] }
      : found;
    setErrors(all);
    if (Object.keys(all).length > 0) return;
    const complete = schema !== null && isObject(form) && Object.keys(wrong).length === 0;
    const body = {
      decision,
      ...(complete ? { form } : {}),
      ...(comment.trim() === "" ? {} : { comment }),
    };
    void act("answer", body, t("task.recorded", { option: optionName(decision) }), decision);
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
            ? whyNot(question)
            : t("task.is", { status: statusName(question.status) })}
        </Text>
      ) : (
        <>
          {schema === null ? null : (
            <SchemaForm errors={errors} onChange={setForm} schema={schema} value={form} />
          )}
          <Labelled
            help={
              question.commentRequired.length > 0
                ? t("task.commentForThese", {
                    options: conjunction(
                      question.commentRequired.map((each) => t("task.quoted", { option: optionName(each) })),
                    ),
                  })
                : undefined
            }
            id={commentId}
            label={t("task.comment")}
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
                {optionName(option)}
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

/** @param pressed what shows that it is busy, if not `name` */
type Send = (name: Act["name"], body: unknown, words: string, pressed?: string) => Promise<void>;
type ClaimProps = { question: Question; busy: boolean; act: Send };

/** Takes the question for oneself, where one person's answer is enough. */
function Claim({ question, busy, act }: ClaimProps) {
  const { claimedBy } = question;
  if (claimedBy !== null) {
    return (
      <Button
        disabled={busy}
        onClick={() => void act("release", {}, t("task.released"))}
        size="sm"
        variant="ghost"
      >
        {t("task.release", { user: claimedBy.name })}
      </Button>
    );
  }
  if (question.minApprovals > 1) return null;
  return (
    <Button
      disabled={busy}
      onClick={() => void act("claim", {}, t("task.claimed"))}
      size="sm"
      variant="ghost"
    >
      {t("task.claim")}
    </Button>
  );
}

/** Gives the question to somebody else. */
function HandOver({ busy, act }: Omit<ClaimProps, "question">) {
  const [to, setTo] = useState<string | null>(null);
  if (to === null) {
    return (
      <Button disabled={busy} onClick={() => setTo("")} size="sm" variant="ghost">
        {t("task.reassign")}
      </Button>
    );
  }
  return (
    <HStack>
      <Input
        aria-label={t("task.reassignTo")}
        onChange={(event) => setTo(event.target.value)}
        placeholder={t("task.user")}
        size="sm"
        value={to}
        w={40}
      />
      <Button
        disabled={busy || to.trim() === ""}
        onClick={() => void act("delegate", { to: to.trim() }, t("task.reassigned", { user: to.trim() }))}
        size="sm"
        variant="outline"
      >
        {t("task.reassignNow")}
      </Button>
      <Button onClick={() => setTo(null)} size="sm" variant="ghost">
        {t("common.cancel")}
      </Button>
    </HStack>
  );
}

function Votes({ question }: { question: Question }) {
  const [approves] = question.options;
  const given = question.votes.filter(({ decision }) => decision === approves).length;
  if (question.votes.length === 0 && question.minApprovals < 2) return null;
  return (
    <Stack gap={1}>
      {question.minApprovals > 1 ? (
        <Text color="fg.muted">
          {t("task.votes", { given, count: question.minApprovals, option: optionName(approves ?? "") })}
        </Text>
      ) : null}
      {question.votes.map((vote) => (
        <Text key={`${vote.by.id} ${vote.at}`} overflowWrap="anywhere">
          <Sentence
            parts={{
              user: <b>{vote.by.name}</b>,
              option: optionName(vote.decision),
              time: <Time at={vote.at} />,
            }}
            text="task.vote"
          />
          {vote.comment === null ? "" : ` – ${vote.comment}`}
        </Text>
      ))}
    </Stack>
  );
}
