import { useEffect, useRef } from "react";
import { type Live, useLive } from "src/api/polling";
import type { InstanceView, StepDetail } from "src/api/schema.gen";

/** Everything about one step, asked for again when something happened to it. */
export function useStep(view: InstanceView | null, stepId: string | null): Live<StepDetail> {
  const path =
    view === null || stepId === null
      ? null
      : `/instances/${encodeURIComponent(view.id)}/steps/${encodeURIComponent(stepId)}`;
  const live = useLive<StepDetail>(path);
  const state = JSON.stringify(view?.steps.find((each) => each.stepId === stepId) ?? null);
  const known = useRef({ path, state });
  const { refresh } = live;
  useEffect(() => {
    if (known.current.path === path && known.current.state !== state) refresh();
    known.current = { path, state };
  }, [path, state, refresh]);
  return live;
}
