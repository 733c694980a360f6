// What the page of an instance needs: three requests, and then one small one a second.

import { useEffect, useMemo, useState } from "react";
import type { Query } from "src/api/client";
import { type Live, useLive } from "src/api/polling";
import type { DefinitionGraph, InstanceView } from "src/api/schema.gen";
import { isLive } from "src/workflow/instance";

const RUNNING = 1000;
const ENDED = 5000;
const MISSING = 3000;

export type Instance = {
  live: Live<InstanceView>;
  graph: Live<DefinitionGraph>;
  names: ReadonlyMap<string, string>;
  /** The steps that ask people. */
  human: ReadonlySet<string>;
};

/** The instance of a DAG run, fresh as long as the page is looked at. */
export function useInstanceOfRun(dagId: string | undefined, runId: string | undefined): Instance {
  const there = dagId !== undefined && runId !== undefined;
  return useInstance(there ? "/run-view" : null, { dagId, runId });
}

/** The instance of this id, fresh as long as the page is looked at. */
export function useInstanceById(id: string): Instance {
  return useInstance(`/instances/${encodeURIComponent(id)}/view`);
}

function useInstance(path: string | null, query: Query = {}): Instance {
  const [every, setEvery] = useState(RUNNING);
  const live = useLive<InstanceView>(path, { query, every });
  const { data, failure, refresh } = live;
  useEffect(() => setEvery(data === null || isLive(data) ? RUNNING : ENDED), [data]);
  const graph = useLive<DefinitionGraph>(
    data === null ? null : `/definitions/${encodeURIComponent(data.workflowId)}/graph`,
    { query: { revision: data?.revision } },
  );
  const missing = failure?.code === "no-instance";
  useEffect(() => {
    // An instance comes to be with the first step of its run: what is missing may be there in a moment.
    if (!missing) return undefined;
    const timer = setInterval(refresh, MISSING);
    return () => clearInterval(timer);
  }, [missing, refresh]);
  const nodes = graph.data?.nodes;
  const names = useMemo(
    () => new Map((nodes ?? []).flatMap((node) => (node.id === node.stepId ? [[node.id, node.name]] : []))),
    [nodes],
  );
  const human = useMemo(
    () => new Set((nodes ?? []).filter(({ asksPeople }) => asksPeople).map(({ id }) => id)),
    [nodes],
  );
  return { live, graph, names, human };
}
