import { Box, Button, Heading, HStack, Spacer, Stack } from "@chakra-ui/react";
import { useId, useState } from "react";
import { useLive } from "src/api/polling";
import type { Question, QuestionDetail, QuestionPage } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { Empty } from "src/parts/Empty";
import { LiveView } from "src/parts/LiveView";
import { Notice } from "src/parts/Notice";
import { Pager, usePages } from "src/parts/Pager";
import { paths } from "src/parts/paths";
import { StatusBadge } from "src/parts/StatusBadge";
import { useParameters } from "src/parts/useParameters";
import { QuestionCard, QuestionLine } from "src/people/QuestionCard";
import type { Act } from "src/people/QuestionForm";
import { Votes } from "src/people/Votes";
import { type TextKey, t } from "src/texts";

type List = { name: string; title: TextKey; empty: TextKey; text: TextKey; query: Record<string, boolean> };

const MINE: List = {
  name: "mine",
  title: "tasks.mine",
  empty: "tasks.noneMine",
  text: "tasks.noneText",
  query: { mine: true },
};
const LISTS: readonly List[] = [
  MINE,
  { name: "all", title: "tasks.all", empty: "tasks.none", text: "tasks.noneText", query: { mine: false } },
  {
    name: "answered",
    title: "tasks.answered",
    empty: "tasks.noneAnswered",
    text: "tasks.noneAnsweredText",
    query: { answered: true },
  },
];

/** What workflows ask the user, to be answered here, and what the user has answered. */
export function MyTasks() {
  const [parameters, setParameters] = useParameters();
  const shown = LISTS.find(({ name }) => name === parameters.get("show")) ?? MINE;
  const pages = usePages(shown.name);
  const live = useLive<QuestionPage>("/questions", {
    query: { ...shown.query, after: pages.after, limit: 50 },
    every: 5000,
  });
  const [last, setLast] = useState<Act | null>(null);
  const changed = (act: Act) => {
    setLast(act);
    live.refresh();
  };
  return (
    <Stack gap={3}>
      <HStack aria-label={t("common.show")} flexWrap="wrap" gap={1} role="group">
        {LISTS.map((each) => (
          <Button
            aria-pressed={each === shown}
            key={each.name}
            onClick={() => setParameters(each === MINE ? {} : { show: each.name })}
            size="xs"
            variant={each === shown ? "solid" : "outline"}
          >
            {t(each.title)}
          </Button>
        ))}
      </HStack>
      <Done act={last} />
      <LiveView lines={6} live={live}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title={t(shown.empty)}>{t(shown.text)}</Empty>
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

/** One question on a page of its own, where mails lead. */
export function TaskPage({ name }: { name: string }) {
  const live = useLive<QuestionDetail>(`/questions/${encodeURIComponent(name)}`, { every: 5000 });
  const [last, setLast] = useState<Act | null>(null);
  return (
    <LiveView lines={8} live={live}>
      {(question) => (
        <Stack as="article" gap={3}>
          <Box>
            <Heading as="h2" overflowWrap="anywhere" size="md">
              {question.subject}
            </Heading>
            <State question={question} />
          </Box>
          <Done act={last} />
          <QuestionCard
            detail={live}
            onChanged={(act) => {
              setLast(act);
              live.refresh();
            }}
            question={question}
          />
        </Stack>
      )}
    </LiveView>
  );
}

/** What the user has just done. */
function Done({ act }: { act: Act | null }) {
  if (act === null) return null;
  return (
    <Notice title={`${act.question.subject}: ${act.words}`} tone="success">
      <AppLink to={paths.instance(act.question.instanceId)}>{t("tasks.openWorkflow")}</AppLink>
    </Notice>
  );
}

/** Whether a question is late, taken, or not open any more; nothing where it is as usual. */
function State({ question }: { question: Question }) {
  const { status, dueAt, claimedBy } = question;
  if (status !== "open") return <StatusBadge status={status} />;
  const late = dueAt !== null && Date.parse(dueAt) < Date.now();
  return (
    <>
      {late ? <StatusBadge label={t("tasks.late")} status="expired" /> : null}
      {claimedBy === null ? null : (
        <StatusBadge label={t("tasks.takenBy", { user: claimedBy.name })} status="waiting" />
      )}
    </>
  );
}

function QuestionItem({ question, onChanged }: { question: Question; onChanged: (act: Act) => void }) {
  const [open, setOpen] = useState(false);
  const heading = useId();
  const detail = useLive<QuestionDetail>(open ? `/questions/${encodeURIComponent(question.id)}` : null);
  const label = open ? t("common.close") : question.mayAnswer ? t("tasks.answer") : t("common.show");
  return (
    <Stack as="article" borderWidth="1px" data-testid={`question-${question.id}`} gap={3} p={3} rounded="md">
      <HStack flexWrap="wrap">
        <Stack gap={0} minW={0}>
          <Heading as="h2" id={heading} overflowWrap="anywhere" size="sm">
            <AppLink to={paths.question(question.id)}>{question.subject}</AppLink>
          </Heading>
          {open ? null : <QuestionLine question={question} />}
        </Stack>
        <Spacer />
        <State question={question} />
        <Button
          aria-expanded={open}
          aria-describedby={heading}
          onClick={() => setOpen(!open)}
          size={{ base: "sm", md: "xs" }}
          variant="outline"
        >
          {label}
        </Button>
      </HStack>
      {open ? (
        <QuestionCard detail={detail} onChanged={onChanged} question={question} />
      ) : question.ownVote === null ? null : (
        <Votes question={{ ...question, votes: [question.ownVote], minApprovals: 1 }} />
      )}
    </Stack>
  );
}
