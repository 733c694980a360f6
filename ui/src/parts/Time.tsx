import { chakra } from "@chakra-ui/react";
import { useEffect, useState } from "react";
import { absolute, ago, moment, stamp } from "src/parts/times";
import { useZone } from "src/parts/zone";

// One clock for all times on the page.
const listeners = new Set<(now: Date) => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time now, anew every ten seconds. */
export function useNow(): Date {
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
  /** What is all that is shown: the exact time, to the second, for logs; the date and the time in a list. */
  only?: "exact" | "moment";
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
      {only === "exact"
        ? absolute(time)
        : only === "moment"
          ? stamp(time)
          : exact
            ? `${moment(time)} (${ago(shown, now)})`
            : ago(shown, now)}
    </chakra.time>
  );
}
