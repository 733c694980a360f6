import { chakra } from "@chakra-ui/react";
import { useEffect, useState } from "react";
import { absolute, ago, moment } from "src/parts/times";
import { useZone } from "src/parts/zone";

// One clock for all times on the page.
const listeners = new Set<(now: Date) => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function useNow(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    listeners.add(setNow);
    timer ??= setInterval(() => {
      const at = new Date();
      for (const tell of listeners) tell(at);
    }, 10_000);
    return () => {
      listeners.delete(setNow);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return now;
}

type Props = {
  at: string | null | undefined;
  /** Whether the exact time stands beside: for deadlines. */
  exact?: boolean;
  /** Whether the exact time, to the second, is all that is shown: for logs. */
  only?: "exact";
};

/** How long ago, and on hover when exactly. */
export function Time({ at, exact = false, only }: Props) {
  const now = useNow();
  useZone();
  if (at === null || at === undefined) return <span>–</span>;
  const time = new Date(at);
  // A server's clock a little ahead of ours would otherwise make things happen in the future.
  const shown = time > now && time.getTime() - now.getTime() < 15_000 ? now : time;
  return (
    <chakra.time dateTime={at} title={absolute(time)} whiteSpace={exact ? "normal" : "nowrap"}>
      {only === "exact" ? absolute(time) : exact ? `${moment(time)} (${ago(shown, now)})` : ago(shown, now)}
    </chakra.time>
  );
}
