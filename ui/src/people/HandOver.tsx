import { Button, HStack, Input } from "@chakra-ui/react";
import { type FormEvent, useEffect, useId, useState } from "react";
import { useLive } from "src/api/polling";
import type { CandidateList, Question } from "src/api/schema.gen";
import { useFocused } from "src/parts/useFocused";
import { t } from "src/texts";

const PAUSE = 300;

type Props = { question: Question; busy: boolean; onHandOver: (user: string) => void };

/** Gives the question to somebody else: one of the users that the server knows, or whose name is typed. */
export function HandOver({ question, busy, onHandOver }: Props) {
  const [open, setOpen] = useState(false);
  if (open)
    return <Choice busy={busy} onCancel={() => setOpen(false)} onHandOver={onHandOver} question={question} />;
  return (
    <Button disabled={busy} onClick={() => setOpen(true)} size="sm" variant="ghost">
      {t("task.reassign")}
    </Button>
  );
}

function Choice({ question, busy, onHandOver, onCancel }: Props & { onCancel: () => void }) {
  const [to, setTo] = useState("");
  const [search, setSearch] = useState("");
  const list = useId();
  const field = useFocused();
  const found = useLive<CandidateList>(`/questions/${encodeURIComponent(question.id)}/candidates`, {
    query: { search },
  });
  const user = to.trim();
  useEffect(() => {
    const timer = setTimeout(() => setSearch(user), PAUSE);
    return () => clearTimeout(timer);
  }, [user]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (user !== "") onHandOver(user);
  };
  return (
    <form onSubmit={submit}>
      <HStack flexWrap="wrap">
        <Input
          aria-label={t("task.reassignTo")}
          autoComplete="off"
          list={list}
          onChange={(event) => setTo(event.target.value)}
          onKeyDown={({ key }) => key === "Escape" && onCancel()}
          placeholder={t("task.user")}
          ref={field}
          size="sm"
          value={to}
          w={48}
        />
        <datalist id={list}>
          {found.data?.items.map((each) => (
            <option key={each.user} value={each.user}>
              {each.name}
            </option>
          ))}
        </datalist>
        <Button disabled={busy || user === ""} size="sm" type="submit" variant="outline">
          {t("task.reassignNow")}
        </Button>
        <Button onClick={onCancel} size="sm" variant="ghost">
          {t("common.cancel")}
        </Button>
      </HStack>
    </form>
  );
}
