// The text editor is a file of its own: it is large, and few need it.

import { airflowUrl } from "src/api/client";
import type { createEditor } from "src/editor/main";
import { t } from "src/texts";

export type EditorModule = { createEditor: typeof createEditor };

/**
 * Load the editor, once.
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
