import { Button, HStack, Stack, Text, Textarea } from "@chakra-ui/react";
import { useEffect, useId, useRef, useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { Question } from "src/api/schema.gen";
import { Labelled } from "src/forms/Labelled";
import { SchemaForm } from "src/forms/SchemaForm";
import { byField, check, type FieldErrors, initial, isObject } from "src/forms/schema";
import { FailureNotice } from "src/parts/FailureNotice";
import { Markdown } from "src/parts/Markdown";
import { HandOver } from "src/people/HandOver";
import { optionName, whyNot } from "src/people/question";
import { Votes } from "src/people/Votes";
import { conjunction, statusName, t } from "src/texts";

/** What a person just did with a question; the question is as it is afterwards. */
export type Act = { name: "answer" | "claim" | "release" | "delegate"; words: string; question: Question };

type Props = { question: Question; onChanged: (act: Act) => void };

const COMMENT = "/comment:";

/** A question with its form, and what has been said to it so far. */
export function QuestionForm({ question, onChanged }: Props) {
  return (
    <Stack gap={3} maxW="2xl">
      {question.body === null ? null : <Markdown text={question.body} />}
      <Votes question={question} />
      {question.status === "open" && question.mayAnswer ? (
        <AnswerForm onChanged={onChanged} question={question} />
      ) : (
        <Closed question={question} />
      )}
    </Stack>
  );
}

/** Why there is nothing to answer. */
function Closed({ question }: { question: Question }) {
  const { status, answer } = question;
  const words = [
    status === "open" ? whyNot(question) : t("task.is", { status: statusName(status) }),
    answer === null ? null : t("task.decision", { option: optionName(answer.decision, question) }),
  ];
  return <Text color="fg.muted">{words.filter(Boolean).join(" ")}</Text>;
}

function AnswerForm({ question, onChanged }: Props) {
  const { schema } = question;
  const [form, setForm] = useState<unknown>(() => ({
    ...(schema === null ? {} : (initial(schema, schema) as object | undefined)),
    ...question.defaults,
  }));
  const [comment, setComment] = useState("");
  const [errors, setErrors] = useState<FieldErrors>({});
  const place = useRef<HTMLDivElement>(null);
  const { send, busy, failure } = useSending(question, onChanged, setErrors);

  // The first field that is wrong is where one continues; known only when the fields show it.
  useEffect(() => {
    if (Object.keys(errors).length > 0)
      place.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [errors]);
  const answer = (decision: string) => {
    const wrong = schema === null ? {} : check(schema, form, schema);
    // Only the first option needs the form; with another it is sent if it is complete, and left out otherwise.
    const found = decision === question.options[0] ? wrong : {};
    const option = optionName(decision, question);
    const missing = question.commentRequired.includes(decision) && comment.trim() === "";
    const all = missing ? { ...found, [COMMENT]: [t("task.commentFor", { option })] } : found;
    setErrors(all);
    if (Object.keys(all).length > 0) return;
    const complete = schema !== null && isObject(form) && Object.keys(wrong).length === 0;
    const body = {
      decision,
      ...(complete ? { form } : {}),
      ...(comment.trim() === "" ? {} : { comment }),
    };
    void send("answer", body, t("task.recorded", { option }), decision);
  };
  return (
    <Stack gap={3} ref={place}>
      {failure === null ? null : <FailureNotice failure={failure} />}
      {schema === null ? null : (
        <SchemaForm errors={errors} onChange={setForm} schema={schema} value={form} />
      )}
      <Comment messages={errors[COMMENT] ?? []} onChange={setComment} question={question} value={comment} />
      <HStack aria-label={t("task.answer")} flexWrap="wrap" role="group">
        {question.options.map((option, index) => (
          <Button
            disabled={busy !== null}
            flexGrow={{ base: 1, sm: 0 }}
            key={option}
            loading={busy === option}
            onClick={() => answer(option)}
            size={{ base: "md", sm: "sm" }}
            variant={index === 0 ? "solid" : "outline"}
          >
            {optionName(option, question)}
          </Button>
        ))}
      </HStack>
      <HStack flexWrap="wrap">
        <Claim act={send} busy={busy !== null} question={question} />
        <HandOver
          busy={busy !== null}
          onHandOver={(to) => void send("delegate", { to }, t("task.reassigned", { user: to }))}
          question={question}
        />
      </HStack>
    </Stack>
  );
}

/** Sends what a person does; what is wrong with it is shown at its fields, and anything else above them. */
function useSending(
  question: Question,
  onChanged: Props["onChanged"],
  setErrors: (errors: FieldErrors) => void,
) {
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState<string | null>(null);
  const send: Send = async (name, body, words, pressed = name) => {
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
      setErrors(atComment === undefined ? fields : { ...fields, [COMMENT]: atComment });
      if (others.length > 0 || Object.keys(fields).length === 0) setFailure(refused);
    } finally {
      setBusy(null);
    }
  };
  return { send, busy, failure };
}

type CommentProps = {
  question: Question;
  value: string;
  messages: readonly string[];
  onChange: (text: string) => void;
};

/** The comment, with the options that require one. */
function Comment({ question, value, messages, onChange }: CommentProps) {
  const id = useId();
  const required = question.commentRequired.map((each) =>
    t("task.quoted", { option: optionName(each, question) }),
  );
  const help =
    required.length > 0 ? t("task.commentForThese", { options: conjunction(required) }) : undefined;
  return (
    <Labelled help={help} id={id} label={t("task.comment")} messages={messages}>
      <Textarea
        aria-describedby={`${id}-about`}
        aria-invalid={messages.length > 0}
        id={id}
        onChange={(event) => onChange(event.target.value)}
        rows={2}
        size="sm"
        value={value}
      />
    </Labelled>
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
