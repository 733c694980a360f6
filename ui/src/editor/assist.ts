// Completion and help of the text editor: what the workbench knows of a place, as CodeMirror shows it.

import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  completionKeymap,
} from "@codemirror/autocomplete";
import type { Extension } from "@codemirror/state";
import { EditorView, hoverTooltip, keymap } from "@codemirror/view";
import { choicesAt, type Description, descriptionAt } from "src/workbench/assist";
import type { Tasks } from "src/workbench/schema";

/** Completion and help by the tasks that are known at that moment. */
export function assisting(tasks: () => Tasks): Extension {
  return [
    autocompletion({ override: [(context) => completed(context, tasks())], activateOnTyping: true }),
    keymap.of(completionKeymap),
    hoverTooltip((view, position) => {
      const found = descriptionAt(view.state.doc.toString(), position, tasks());
      if (found === null || wordsOf(found).length === 0) return null;
      return { pos: position, create: () => ({ dom: drawn(found) }) };
    }),
    EditorView.theme({
      ".cm-tooltip-hover": { maxWidth: "420px", padding: "4px 8px", whiteSpace: "pre-wrap" },
    }),
  ];
}

function completed(context: CompletionContext, tasks: Tasks): CompletionResult | null {
  const text = context.state.doc.toString();
  if (!context.explicit && context.matchBefore(/["\w.]+/) === null) return null;
  const found = choicesAt(text, context.pos, tasks);
  if (found === null) return null;
  return {
    from: found.from,
    to: found.to,
    // What is typed begins with a quotation mark, so the choices do too.
    options: found.choices.map(({ label, insert, detail, info }) => ({
      label: text[found.from] === '"' ? `"${label}"` : label,
      displayLabel: label,
      apply: insert,
      detail,
      ...(info === "" ? {} : { info }),
    })),
  };
}

function wordsOf({ text, type, values, fallback }: Description): string[] {
  return [
    text,
    values.length > 0 ? values.join(" | ") : type,
    fallback === null ? "" : `= ${fallback}`,
  ].filter(Boolean);
}

function drawn(found: Description): HTMLElement {
  const element = document.createElement("div");
  element.textContent = wordsOf(found).join("\n");
  return element;
}
