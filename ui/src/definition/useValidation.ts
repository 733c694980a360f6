import { useEffect, useState } from "react";
import { asFailure, call, type Failure } from "src/api/client";
import type { Finding, SuggestedFix, Validation } from "src/api/schema.gen";
import { fixOf } from "src/definition/fixes";
import { JsonMistake, locate, type Positions, positions } from "src/definition/positions";
import type { Mark } from "src/editor/types";

export type Checked = {
  /** The text that this is about. */
  text: string;
  findings: readonly Finding[];
  fixes: readonly SuggestedFix[];
  marks: readonly Mark[];
  places: Positions;
  valid: boolean;
  failure: Failure | null;
};

const PAUSE = 400;

/** What is wrong with a text, asked for whenever nobody has typed for a moment; null before the first answer. */
export function useValidation(text: string): { checked: Checked | null; checking: boolean } {
  const [checked, setChecked] = useState<Checked | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    const timer = setTimeout(() => {
      validate(text, abort.signal).then(
        (found) => !abort.signal.aborted && setChecked(found),
        () => undefined,
      );
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);
  return { checked, checking: checked?.text !== text };
}

async function validate(text: string, signal: AbortSignal): Promise<Checked> {
  const nothing = {
    text,
    findings: [],
    fixes: [],
    marks: [],
    places: new Map(),
    valid: false,
    failure: null,
  };
  let places: Positions;
  try {
    places = positions(text);
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    const finding: Finding = {
      code: "bad-json",
      severity: "error",
      pointer: "",
      message: error.message,
      suggestion: null,
    };
    const mark: Mark = { from: error.at, to: error.at + 1, severity: "error", message: error.message };
    return {
      ...nothing,
      findings: [finding],
      marks: [mark],
      places: new Map([["", { from: error.at, to: error.at }]]),
    };
  }
  try {
    const { valid, diagnostics, fixes } = await call<Validation>("/definitions/validate", {
      method: "POST",
      body: text,
      signal,
    });
    const marks = marksOf(diagnostics, places).map((mark, index) => ({
      ...mark,
      fix: fixOf(diagnostics[index] as Finding, fixes, places, text),
    }));
    return { ...nothing, places, valid, findings: diagnostics, fixes, marks };
  } catch (error) {
    if (signal.aborted) throw error;
    const failure = asFailure(error);
    return {
      ...nothing,
      places,
      failure,
      findings: failure.findings,
      marks: marksOf(failure.findings, places),
    };
  }
}

export function marksOf(findings: readonly Finding[], places: Positions): Mark[] {
  return findings.map((each) => {
    const hint = each.suggestion == null ? "" : `\n${each.suggestion}`;
    return {
      ...locate(places, each.pointer),
      severity: each.severity,
      message: `${each.code}: ${each.message}${hint}`,
    };
  });
}
