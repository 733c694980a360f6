import type { Live } from "src/api/polling";
import type { DefinitionVersion, WorkflowDefinition } from "src/api/schema.gen";

/** What every view of a definition gets. */
export type ViewProps = {
  definition: DefinitionVersion;
  document: WorkflowDefinition;
  live: Live<DefinitionVersion>;
  mayEdit: boolean;
};
