// The workbench with its text editor, a file of its own that is loaded when somebody edits.

import {
  defaultKeymap,
  history,
  historyKeymap,
  indentWithTab,
  isolateHistory,
  redo,
  undo,
} from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { assisting } from "src/editor/assist";
import type { Editor, EditorOptions, Mark } from "src/editor/types";

import type { Tasks } from "src/workbench/schema";

export { Workbench } from "src/workbench/Workbench";

// Colours of Airflow's theme, so that light and dark follow the page.
const highlighting = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--chakra-colors-fg-info)" },
  { tag: tags.string, color: "var(--chakra-colors-fg-success)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--chakra-colors-fg-warning)" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--chakra-colors-fg)", backgroundColor: "var(--chakra-colors-bg)", fontSize: "12px" },
  ".cm-content": { caretColor: "var(--chakra-colors-fg)", fontFamily: "var(--chakra-fonts-mono)" },
  ".cm-gutters": {
    color: "var(--chakra-colors-fg-muted)",
    backgroundColor: "var(--chakra-colors-bg-subtle)",
    borderRight: "1px solid var(--chakra-colors-border)",
  },
  "&.cm-focused": { outline: "2px solid var(--chakra-colors-brand-focus-ring)" },
  ".cm-cursor": { borderLeftColor: "var(--chakra-colors-fg)" },
  ".cm-activeLine": { backgroundColor: "var(--chakra-colors-bg-subtle)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--chakra-colors-brand-muted)",
  },
  ".cm-panels, .cm-tooltip": {
    color: "var(--chakra-colors-fg)",
    backgroundColor: "var(--chakra-colors-bg-panel)",
    border: "1px solid var(--chakra-colors-border)",
  },
  ".cm-scroller": { overflow: "auto" },
});

/** Put an editor for a JSON document into an element. */
export function createEditor(parent: HTMLElement, options: EditorOptions): Editor {
  const { text, label, onChange, onCursor } = options;
  let tasks: Tasks = new Map();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        foldGutter(),
        lintGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        highlightActiveLine(),
        json(),
        syntaxHighlighting(highlighting),
        theme,
        assisting(() => tasks),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label }),
        keymap.of([...foldKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
          if (update.docChanged || update.selectionSet) onCursor(update.state.selection.main.head);
        }),
      ],
    }),
  });
  // So that it can be scrolled by keyboard alone, without editing.
  view.scrollDOM.tabIndex = 0;
  const show = (position: number) => {
    const anchor = Math.min(position, view.state.doc.length);
    view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
  };
  return {
    setText: (changed) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: changed } }),
    setMarks: (marks) =>
      view.dispatch(setDiagnostics(view.state, diagnosticsOf(marks, view.state.doc.length))),
    change: (changes) =>
      view.dispatch({ changes: [...changes], annotations: isolateHistory.of("full"), userEvent: "input" }),
    setTasks: (known) => {
      tasks = known;
    },
    undo: () => undo(view),
    redo: () => redo(view),
    show,
    goTo: (position) => {
      show(position);
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

function diagnosticsOf(marks: readonly Mark[], end: number): Diagnostic[] {
  return marks.map(({ fix, ...mark }) => ({
    ...mark,
    from: Math.min(mark.from, end),
    to: Math.min(mark.to, end),
    actions: fix
      ? [{ name: fix.title, apply: (view: EditorView) => view.dispatch({ changes: fix.change }) }]
      : [],
  }));
}
