import { useEffect, useState } from "react";
import { call } from "src/api/client";
import type { TaskList } from "src/api/schema.gen";
import type { Tasks } from "src/workbench/schema";

/** The tasks that steps can name; none while they are not known, which only helps less. */
export function useTasks(): Tasks {
  const [tasks, setTasks] = useState<Tasks>(new Map());
  useEffect(() => {
    const abort = new AbortController();
    call<TaskList>("/tasks", { signal: abort.signal }).then(
      ({ items }) => setTasks(new Map(items.map((task) => [task.taskId, task]))),
      () => undefined,
    );
    return () => abort.abort();
  }, []);
  return tasks;
}
