// What is around each of our components: nothing that goes wrong inside leaves Airflow's page blank.

import { Box } from "@chakra-ui/react";
import type { ComponentType } from "react";
import { ErrorBoundary } from "src/shell/ErrorBoundary";

/** What Airflow tells a component of a plugin. */
export type AirflowProps = { dagId?: string; runId?: string; taskId?: string; mapIndex?: string };

export function framed(name: string, Inner: ComponentType<AirflowProps>) {
  return function Framed(props: AirflowProps) {
    return (
      <Box
        className="workflows-app"
        data-testid={`workflows-${name.toLowerCase()}`}
        fontSize="sm"
        minW={0}
        p={{ base: 2, md: 4 }}
      >
        <ErrorBoundary>
          <Inner {...props} />
        </ErrorBoundary>
      </Box>
    );
  };
}
