// The workbench with its text editor is a file of its own: it is large, and few need it.

import { useEffect, useState } from "react";
import { airflowUrl } from "src/api/client";
import type { EditorModule } from "src/editor/types";
import { t } from "src/texts";

/**
 * Load the workbench, once.
 *
 * @throws Error when it cannot be loaded
 */
export async function loadEditor(): Promise<EditorModule> {
  const known = () => (globalThis as { WorkflowsEditor?: EditorModule }).WorkflowsEditor;
  if (known() === undefined) {
    const url = airflowUrl(`workflows/ui/${__EDITOR_FILE__}`);
    await import(/* @vite-ignore */ url);
  }
  const found = known();
  if (found === undefined) throw new Error(t("editor.notLoaded"));
  return found;
}

/** The workbench: null while it is loaded, undefined where it cannot be. */
export function useEditorModule(): EditorModule | null | undefined {
  const [found, setFound] = useState<EditorModule | null | undefined>(null);
  useEffect(() => {
    let gone = false;
    const set = (module: EditorModule | undefined) => gone || setFound(module);
    loadEditor().then(set, () => set(undefined));
    return () => {
      gone = true;
    };
  }, []);
  return found;
}
