import { useState } from "react";
import { Editing } from "src/definition/Editing";
import type { ViewProps } from "src/definition/view";
import { textOf } from "src/definition/written";

/** The document to be changed and published, for those who may. */
export function EditView({ definition, live }: ViewProps) {
  // What was read when editing began: a newer version must not replace what is being typed.
  const [began] = useState({ text: textOf(definition), etag: live.etag });
  return (
    <Editing
      etag={began.etag}
      initial={began.text}
      onPublished={() => live.refresh()}
      workflowId={definition.workflowId}
    />
  );
}
