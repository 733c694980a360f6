// The text editor, a file of its own that is loaded when somebody edits.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
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

export type Mark = { from: number; to: number; severity: "error" | "warning"; message: string };

export type Editor = {
  text: () => string;
  setText: (text: string) => void;
  setMarks: (marks: readonly Mark[]) => void;
  /** Put the cursor somewhere and show it. */
  goTo: (position: number) => void;
  destroy: () => void;
};

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
export function createEditor(
  parent: HTMLElement,
  text: string,
  label: string,
  onChange: (text: string) => void,
): Editor {
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
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label }),
        keymap.of([...foldKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  // So that it can be scrolled by keyboard alone, without editing.
  view.scrollDOM.tabIndex = 0;
  return {
    text: () => view.state.doc.toString(),
    setText: (changed) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: changed } }),
    setMarks: (marks) => {
      const end = view.state.doc.length;
      const found: Diagnostic[] = marks.map((mark) => ({
        ...mark,
        from: Math.min(mark.from, end),
        to: Math.min(mark.to, end),
      }));
      view.dispatch(setDiagnostics(view.state, found));
    },
    goTo: (position) => {
      const anchor = Math.min(position, view.state.doc.length);
      view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: "center" }) });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}
