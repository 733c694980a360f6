import { chakra } from "@chakra-ui/react";
import { useEffect, useState } from "react";
import { absolute, ago } from "src/parts/times";

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

/** How long ago, and on hover when exactly. */
export function Time({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (at === null || at === undefined) return <span>–</span>;
  const time = new Date(at);
  // A server's clock a little ahead of ours would otherwise make things happen in the future.
  const shown = time > now && time.getTime() - now.getTime() < 15_000 ? now : time;
  return (
    <chakra.time dateTime={at} title={absolute(time)} whiteSpace="nowrap">
      {ago(shown, now)}
    </chakra.time>
  );
}
