import { Heading, Skeleton, Stack, Text } from "@chakra-ui/react";
import type { Live } from "src/api/polling";
import type { Question, QuestionDetail } from "src/api/schema.gen";
import { SchemaValues } from "src/forms/SchemaValues";
import { AppLink } from "src/parts/AppLink";
import { FailureNotice } from "src/parts/FailureNotice";
import { LabelledValues } from "src/parts/LabelledValues";
import { paths } from "src/parts/paths";
import { Time } from "src/parts/Time";
import { type Act, QuestionForm } from "src/people/QuestionForm";
import { t } from "src/texts";

type Props = { question: Question; detail: Live<QuestionDetail>; onChanged: (act: Act) => void };

/** Everything that somebody needs to decide: who wants what, the words of the author, and the form. */
export function QuestionCard({ question, detail, onChanged }: Props) {
  const { startedBy, workflowName, correlationId, askedAt, dueAt } = question;
  const instance = (
    <AppLink to={paths.instance(question.instanceId)}>{correlationId ?? workflowName}</AppLink>
  );
  const values = [
    { label: t("task.requester"), content: startedBy ?? t("task.nobody") },
    { label: t("common.workflow"), content: correlationId === null ? instance : workflowName },
    ...(correlationId === null ? [] : [{ label: t("common.instance"), content: instance }]),
    { label: t("task.asked"), content: <Time at={askedAt} exact /> },
    ...(dueAt === null ? [] : [{ label: t("task.due"), content: <Time at={dueAt} exact /> }]),
  ];
  return (
    <Stack gap={4} maxW="2xl">
      <LabelledValues values={values} />
      <Request detail={detail} />
      <QuestionForm onChanged={onChanged} question={question} />
    </Stack>
  );
}

function Request({ detail: { data, failure, refresh } }: { detail: Live<QuestionDetail> }) {
  if (data === null)
    return failure === null ? (
      <Skeleton height={16} />
    ) : (
      <FailureNotice failure={failure} onRetry={refresh} />
    );
  if (Object.keys(data.input).length === 0) return null;
  return (
    <Stack as="section" aria-label={t("task.request")} bg="bg.muted" gap={2} p={3} rounded="md">
      <Heading as="h3" size="sm">
        {t("task.request")}
      </Heading>
      <SchemaValues schema={data.inputSchema ?? {}} value={data.input} />
    </Stack>
  );
}

/** What one of several questions is about, in one line: "Payment, R-17, requested by Ada". */
export function QuestionLine({ question }: { question: Question }) {
  const { workflowName, correlationId, startedBy, dueAt, askedAt } = question;
  const about = [
    workflowName,
    correlationId,
    startedBy === null ? null : t("task.requestedBy", { user: startedBy }),
  ].filter(Boolean);
  return (
    <Text color="fg.muted" fontSize="xs" overflowWrap="anywhere">
      {about.join(", ")}
      {" · "}
      <Time at={askedAt} />
      {dueAt === null ? null : (
        <>
          {" · "}
          {t("task.due")} <Time at={dueAt} exact />
        </>
      )}
    </Text>
  );
}
