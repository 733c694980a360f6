import { Button, HStack, Spacer, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { useSearchParams } from "react-router-dom";
import { useLive } from "src/api/polling";
import type { Question, QuestionPage } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { Empty } from "src/parts/Empty";
import { LiveView } from "src/parts/LiveView";
import { Notice } from "src/parts/Notice";
import { Pager, usePages } from "src/parts/Pager";
import { paths } from "src/parts/paths";
import { Sentence } from "src/parts/Sentence";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time } from "src/parts/Time";
import { type Act, QuestionForm } from "src/people/QuestionForm";
import { t } from "src/texts";

/** What workflows ask the user, to be answered here. */
export function MyTasks() {
  const [parameters, setParameters] = useSearchParams();
  const everybody = parameters.get("show") === "all";
  const pages = usePages(String(everybody));
  const live = useLive<QuestionPage>("/questions", {
    query: { mine: !everybody, after: pages.after, limit: 50 },
    every: 5000,
  });
  const [last, setLast] = useState<Act | null>(null);
  const changed = (act: Act) => {
    setLast(act);
    live.refresh();
  };
  return (
    <Stack gap={3}>
      <HStack aria-label={t("common.show")} gap={1} role="group">
        {[
          { all: false, title: t("tasks.mine") },
          { all: true, title: t("tasks.all") },
        ].map(({ all, title }) => (
          <Button
            aria-pressed={everybody === all}
            key={title}
            onClick={() => setParameters(all ? { show: "all" } : {}, { replace: true })}
            size="xs"
            variant={everybody === all ? "solid" : "outline"}
          >
            {title}
          </Button>
        ))}
      </HStack>
      {last === null ? null : (
        <Notice title={`${last.question.subject}: ${last.words}`} tone="success">
          <AppLink to={paths.instance(last.question)}>{t("tasks.openWorkflow")}</AppLink>
        </Notice>
      )}
      <LiveView lines={6} live={live}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title={everybody ? t("tasks.none") : t("tasks.noneMine")}>{t("tasks.noneText")}</Empty>
          ) : (
            <>
              <Stack gap={2}>
                {items.map((each) => (
                  <QuestionItem key={each.id} onChanged={changed} question={each} />
                ))}
              </Stack>
              <Pager next={next} pages={pages} />
            </>
          )
        }
      </LiveView>
    </Stack>
  );
}

function QuestionItem({ question, onChanged }: { question: Question; onChanged: (act: Act) => void }) {
  const [open, setOpen] = useState(false);
  const late = question.dueAt !== null && Date.parse(question.dueAt) < Date.now();
  return (
    <Stack as="article" borderWidth="1px" data-testid={`question-${question.id}`} gap={3} p={3} rounded="md">
      <HStack flexWrap="wrap">
        <Stack gap={0} minW={0}>
          <Text fontWeight="semibold" overflowWrap="anywhere">
            {question.subject}
          </Text>
          <Text color="fg.muted" fontSize="xs">
            <Sentence
              parts={{
                workflow: <AppLink to={paths.instance(question)}>{question.workflowId}</AppLink>,
                step: question.stepId,
                time: <Time at={question.askedAt} />,
                due: <Time at={question.dueAt} exact />,
              }}
              text={question.dueAt === null ? "tasks.asked" : "tasks.askedDue"}
            />
          </Text>
        </Stack>
        <Spacer />
        {late ? <StatusBadge label={t("tasks.late")} status="expired" /> : null}
        {question.claimedBy === null ? null : (
          <StatusBadge label={t("tasks.takenBy", { user: question.claimedBy.name })} status="waiting" />
        )}
        <Button aria-expanded={open} onClick={() => setOpen(!open)} size="xs" variant="outline">
          {open ? t("common.close") : question.mayAnswer ? t("tasks.answer") : t("common.show")}
        </Button>
      </HStack>
      {open ? <QuestionForm onChanged={onChanged} question={question} /> : null}
    </Stack>
  );
}
