import { Stack, Text } from "@chakra-ui/react";
import type { Question } from "src/api/schema.gen";
import { SchemaValues } from "src/forms/SchemaValues";
import { Sentence } from "src/parts/Sentence";
import { Time } from "src/parts/Time";
import { optionName } from "src/people/question";
import { t } from "src/texts";

/** How many people have to choose the first option and how many have, and who chose what. */
export function Votes({ question }: { question: Question }) {
  const [approval = ""] = question.options;
  const given = question.votes.filter(({ decision }) => decision === approval).length;
  if (question.votes.length === 0 && question.minApprovals < 2) return null;
  return (
    <Stack gap={1}>
      {question.minApprovals > 1 ? (
        <Text color="fg.muted">
          {t("task.votes", { given, count: question.minApprovals, option: optionName(approval, question) })}
        </Text>
      ) : null}
      {question.votes.map((vote) => (
        <Vote key={`${vote.by.id} ${vote.at}`} question={question} vote={vote} />
      ))}
    </Stack>
  );
}

type VoteProps = { question: Question; vote: Question["votes"][number] };

function Vote({ question, vote }: VoteProps) {
  const own = question.ownVote?.at === vote.at && question.ownVote.by.id === vote.by.id;
  const form = question.schema !== null && Object.keys(vote.form).length > 0 ? vote.form : null;
  return (
    <>
      <Text overflowWrap="anywhere">
        <Sentence
          parts={{
            user: <b>{vote.by.name}</b>,
            option: optionName(vote.decision, question),
            time: <Time at={vote.at} />,
          }}
          text={own ? "task.ownVote" : "task.vote"}
        />
        {vote.comment === null ? "" : ` – ${vote.comment}`}
      </Text>
      {form === null ? null : <SchemaValues schema={question.schema ?? {}} value={form} />}
    </>
  );
}
