// What the app and the workbench, which is a file of its own, know of each other.

import type { ComponentType, ReactNode } from "react";
import type { TaskSummary } from "src/api/schema.gen";

export type Mark = {
  from: number;
  to: number;
  severity: "error" | "warning";
  message: string;
  fix?: Fix | null;
};
/** What can be done about a mark, in words and as a change. */
export type Fix = { title: string; change: Change };
/** A part of the text that is replaced. */
export type Change = { from: number; to: number; insert: string };

export type EditorOptions = {
  text: string;
  label: string;
  onChange: (text: string) => void;
  /** Told where the cursor is. */
  onCursor: (position: number) => void;
};

export type Editor = {
  setText: (text: string) => void;
  setMarks: (marks: readonly Mark[]) => void;
  /** Change parts of the text; it is undone as one. */
  change: (changes: readonly Change[]) => void;
  /** Tell it the tasks that steps can name, by their ids. */
  setTasks: (tasks: ReadonlyMap<string, TaskSummary>) => void;
  undo: () => void;
  redo: () => void;
  /** Put the cursor somewhere and show it. */
  show: (position: number) => void;
  /** The same, and type there. */
  goTo: (position: number) => void;
  destroy: () => void;
};

export type WorkbenchProps = {
  text: string;
  cursor: number;
  editor: Editor;
  /** What checking has found, drawn. */
  findings: ReactNode;
};

export type EditorModule = {
  createEditor: (parent: HTMLElement, options: EditorOptions) => Editor;
  Workbench: ComponentType<WorkbenchProps>;
};
