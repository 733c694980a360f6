import { Navigate } from "react-router-dom";
import { useLive } from "src/api/polling";
import type { Instance } from "src/api/schema.gen";
import { LiveView } from "src/parts/LiveView";
import { paths } from "src/parts/paths";

/** Goes to an instance of which only the id is known. */
export function InstanceRedirect({ name }: { name: string }) {
  const live = useLive<Instance>(`/instances/${encodeURIComponent(name)}`);
  return <LiveView live={live}>{(instance) => <Navigate replace to={paths.instance(instance)} />}</LiveView>;
}
