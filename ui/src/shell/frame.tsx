// What is around each of our components: nothing that goes wrong inside leaves Airflow's page blank.

import { Box } from "@chakra-ui/react";
import { type ComponentType, useEffect, useState } from "react";
import { useLocation, useNavigate } from "react-router-dom";
import { darkEdges } from "src/parts/dark";
import { ErrorBoundary } from "src/shell/ErrorBoundary";
import { useLanguage } from "src/texts";

/** What Airflow tells a component of a plugin. */
export type AirflowProps = { dagId?: string; runId?: string; taskId?: string; mapIndex?: string };

export function framed(name: string, Inner: ComponentType<AirflowProps>) {
  return function Framed(props: AirflowProps) {
    const ready = useLasting();
    const lang = useLanguage();
    return (
      <Box
        className="workflows-app"
        css={darkEdges}
        data-testid={`workflows-${name.toLowerCase()}`}
        fontSize="sm"
        lang={lang}
        minW={0}
        p={{ base: 2, md: 4 }}
      >
        {ready ? (
          <ErrorBoundary>
            <Inner {...props} />
          </ErrorBoundary>
        ) : (
          <Box aria-busy="true" />
        )}
      </Box>
    );
  };
}

let lasting = false;
const LONGEST = 500;

/**
 * Whether what is shown will stay. The first component that Airflow loads from our file is taken away and put back the
 * next time that Airflow's page looks at its address, and what was typed would be lost; so we let it look at once.
 */
function useLasting(): boolean {
  const [ready, setReady] = useState(lasting);
  const navigate = useNavigate();
  const location = useLocation();
  useEffect(() => {
    if (ready) return undefined;
    if (!lasting) {
      lasting = true;
      void navigate(location, { replace: true, state: location.state });
    }
    const timer = setTimeout(() => setReady(true), LONGEST);
    return () => clearTimeout(timer);
  }, [ready, navigate, location]);
  return ready;
}
