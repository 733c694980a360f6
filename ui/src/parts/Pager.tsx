import { Button, HStack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { t } from "src/texts";

export type Pages = { after: string | null; number: number; forth: (next: string) => void; back: () => void };

/** Where one is in a list whose pages are only known from one to the next; another `key` starts anew. */
export function usePages(key: string): Pages {
  const [state, setState] = useState<{ key: string; behind: string[] }>({ key, behind: [] });
  const behind = state.key === key ? state.behind : [];
  return {
    after: behind.at(-1) ?? null,
    number: behind.length + 1,
    forth: (next) => setState({ key, behind: [...behind, next] }),
    back: () => setState({ key, behind: behind.slice(0, -1) }),
  };
}

type Props = {
  pages: Pages;
  next: string | number | null;
  /** What the buttons say, back and forth; lists are in the order of time unless they say otherwise. */
  labels?: readonly [string, string] | undefined;
};

/** Forth and back through the pages; nothing where there is only one. */
export function Pager({ pages, next, labels: [back, forth] = [t("pages.newer"), t("pages.older")] }: Props) {
  if (pages.number === 1 && next === null) return null;
  return (
    <HStack aria-label={t("pages.pages")} as="nav" justify="flex-end">
      <Button disabled={pages.number === 1} onClick={pages.back} size="xs" variant="outline">
        {back}
      </Button>
      <Text color="fg.muted" fontSize="xs">
        {t("pages.page", { number: pages.number })}
      </Text>
      <Button
        disabled={next === null}
        onClick={() => next !== null && pages.forth(String(next))}
        size="xs"
        variant="outline"
      >
        {forth}
      </Button>
    </HStack>
  );
}
