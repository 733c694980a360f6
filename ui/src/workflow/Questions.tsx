import { Box, Heading, Stack, Text } from "@chakra-ui/react";
import { useEffect, useRef } from "react";
import { useLive } from "src/api/polling";
import type { InstanceView, QuestionPage } from "src/api/schema.gen";
import { FailureNotice } from "src/parts/FailureNotice";
import { Sentence } from "src/parts/Sentence";
import { Time } from "src/parts/Time";
import { QuestionForm } from "src/people/QuestionForm";
import { t } from "src/texts";
import { waitingSteps } from "src/workflow/instance";

type Props = { view: InstanceView; stepId: string | null; onChanged: () => void };

/** The open questions of an instance that the user is asked, or one step's; asked for again when a step begins to wait. */
export function Questions({ view, stepId, onChanged }: Props) {
  const live = useLive<QuestionPage>("/questions", { query: { instanceId: view.id, limit: 50 } });
  const waiting = waitingSteps(view);
  const known = useRef(waiting);
  const { refresh } = live;
  useEffect(() => {
    if (known.current !== waiting) refresh();
    known.current = waiting;
  }, [waiting, refresh]);
  if (live.data === null && live.failure !== null)
    return <FailureNotice failure={live.failure} onRetry={refresh} />;
  const questions = (live.data?.items ?? []).filter((each) => stepId === null || each.stepId === stepId);
  if (questions.length === 0) return <Text color="fg.muted">{t("tasks.noneNow")}</Text>;
  return (
    <Stack gap={5}>
      {questions.map((question) => (
        <Box as="section" aria-label={question.subject} key={question.id}>
          <Heading as="h4" overflowWrap="anywhere" size="xs">
            {question.subject}
          </Heading>
          <Text color="fg.muted" fontSize="xs" mb={2}>
            <Sentence
              parts={{ time: <Time at={question.askedAt} />, due: <Time at={question.dueAt} exact /> }}
              text={question.dueAt === null ? "tasks.askedAt" : "tasks.askedAtDue"}
            />
          </Text>
          <QuestionForm
            onChanged={() => {
              refresh();
              onChanged();
            }}
            question={question}
          />
        </Box>
      ))}
    </Stack>
  );
}
