import { useEffect, useRef } from "react";
import { type Live, useLive } from "src/api/polling";
import type { Instance, InstanceView } from "src/api/schema.gen";

/** Input, output, error and state of an instance, asked for again when the instance changes. */
export function useDocuments({ id, updatedAt }: Pick<InstanceView, "id" | "updatedAt">): Live<Instance> {
  const live = useLive<Instance>(`/instances/${encodeURIComponent(id)}`);
  const known = useRef(updatedAt);
  const { refresh } = live;
  useEffect(() => {
    if (known.current !== updatedAt) refresh();
    known.current = updatedAt;
  }, [updatedAt, refresh]);
  return live;
}
