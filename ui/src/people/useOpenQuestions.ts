import { useLive } from "src/api/polling";
import type { QuestionPage } from "src/api/schema.gen";

const MOST = 20;

/** How many questions are open for the user; not available where the server knows of none. */
export function useOpenQuestions(): { available: boolean; count: number; label: string } {
  const live = useLive<QuestionPage>("/questions", { query: { limit: MOST }, every: 15_000 });
  const count = live.data?.items.length ?? 0;
  return {
    available: live.data !== null,
    count,
    label: live.data?.next == null ? String(count) : `${count}+`,
  };
}
