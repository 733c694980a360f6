import { InstancePage } from "src/workflow/InstancePage";
import { useInstanceById } from "src/workflow/useInstance";

/** An instance on a page of its own, without Airflow's grid. */
export function InstanceView({ name }: { name: string }) {
  return <InstancePage host="own" instance={useInstanceById(name)} />;
}
