import { Button, Grid, HStack, Spacer, Stack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { asFailure, type Failure, send } from "src/api/client";
import type { Finding, PublishedDefinition } from "src/api/schema.gen";
import { useDraft } from "src/definition/drafts";
import { Findings } from "src/definition/Findings";
import { fixOf } from "src/definition/fixes";
import { lineOf, locate } from "src/definition/positions";
import { PlainEditor, TextEditor } from "src/definition/TextEditor";
import { useValidation } from "src/definition/useValidation";
import { useEditorModule } from "src/editor/load";
import type { Editor } from "src/editor/types";
import { CheckField } from "src/parts/CheckField";
import { FailureNotice } from "src/parts/FailureNotice";
import { Notice } from "src/parts/Notice";
import { Sentence } from "src/parts/Sentence";
import { Time } from "src/parts/Time";
import { type TextKey, t } from "src/texts";

type Props = {
  /** What is published, or a template. */
  initial: string;
  /** The version of `initial`: publishing counts only if it is still that. Null for a new workflow. */
  etag: string | null;
  /** The address; null to take the id from the document. */
  workflowId: string | null;
  onPublished: (workflowId: string) => void;
};

/** A document to be changed, what is wrong with it at its place, and publishing it. */
export function Editing({ initial, etag, workflowId, onPublished }: Props) {
  const { draft, restoredAt, change, reset } = useDraft(workflowId ?? "", { text: initial, etag });
  const { text, etag: tag } = draft;
  const [force, setForce] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [published, setPublished] = useState<PublishedDefinition | null>(null);
  const [busy, setBusy] = useState(false);
  const module = useEditorModule();
  const [editor, setEditor] = useState<Editor | null>(null);
  const [cursor, setCursor] = useState(0);
  const { checked, checking } = useValidation(text);

  const publish = async () => {
    setBusy(true);
    setFailure(null);
    setPublished(null);
    try {
      const id = workflowId ?? idIn(text);
      const headers: Record<string, string> = tag === null ? { "If-None-Match": "*" } : { "If-Match": tag };
      const answer = await send<PublishedDefinition>(`/definitions/${encodeURIComponent(id)}`, {
        method: "PUT",
        body: text,
        headers,
        query: force ? { force } : {},
      });
      reset(text, answer.etag);
      setPublished(answer.data);
      onPublished(id);
    } catch (error) {
      setFailure(asFailure(error));
    } finally {
      setBusy(false);
    }
  };
  const go = (finding: Finding) => {
    if (checked !== null) editor?.goTo(locate(checked.places, finding.pointer).from);
  };
  const line = (finding: Finding) =>
    checked === null ? null : lineOf(checked.text, locate(checked.places, finding.pointer).from);
  const fix = (finding: Finding) => {
    if (checked === null || checked.text !== text || editor === null) return null;
    const found = fixOf(finding, checked.fixes, checked.places, checked.text);
    return found && { title: found.title, apply: () => editor.change([found.change]) };
  };
  const findings = (
    <Stack aria-label={t("editor.findings")} as="section" gap={2} maxH="70vh" overflowY="auto" tabIndex={0}>
      {checked?.failure == null ? null : <FailureNotice failure={checked.failure} />}
      {checked === null || checked.findings.length === 0 ? null : (
        <Findings findings={checked.findings} fixOf={fix} lineOf={line} onGo={go} />
      )}
    </Stack>
  );
  return (
    <Stack gap={3}>
      <HStack flexWrap="wrap">
        <Text aria-live="polite" color="fg.muted">
          {said(checking, checked?.findings ?? [], checked?.failure ?? null)}
        </Text>
        <Spacer />
        {tag === null ? null : (
          <CheckField checked={force} label={t("editor.allowLower")} onChange={setForce} />
        )}
        <Button
          disabled={checking || checked?.valid !== true || text === draft.began}
          loading={busy}
          onClick={() => void publish()}
          size="sm"
        >
          {t("editor.publish")}
        </Button>
      </HStack>
      {restoredAt === null ? null : (
        <Notice
          action={
            <Button
              onClick={() => {
                reset(initial, etag);
                editor?.setText(initial);
              }}
              size="xs"
              variant="outline"
            >
              {t("editor.discard")}
            </Button>
          }
          title={t("editor.restored")}
        >
          <Sentence
            parts={{ time: <Time at={restoredAt} /> }}
            text={tag === etag ? "editor.restoredText" : "editor.restoredOlder"}
          />
        </Notice>
      )}
      {failure === null ? null : <FailureNotice failure={failure} title={titleOf(failure)} />}
      {published === null ? null : (
        <Notice
          title={
            published.outcome === "unchanged"
              ? t("editor.unchanged")
              : t("editor.published", { version: published.version })
          }
          tone="success"
        >
          {t("editor.publishedText")}
        </Notice>
      )}
      <Grid gap={3} templateColumns={{ base: "minmax(0, 1fr)", lg: "repeat(2, minmax(0, 1fr))" }}>
        {module === undefined ? (
          <PlainEditor onChange={change} text={text} />
        ) : (
          <TextEditor
            marks={checked?.marks ?? []}
            module={module}
            onChange={change}
            onCursor={setCursor}
            onReady={setEditor}
            text={text}
          />
        )}
        {module && editor !== null ? (
          <module.Workbench cursor={cursor} editor={editor} findings={findings} text={text} />
        ) : (
          findings
        )}
      </Grid>
    </Stack>
  );
}

const TITLES: Record<string, TextKey> = {
  "revision-changed": "editor.otherPublished",
  "version-reused": "editor.versionReused",
  "version-lower": "editor.versionLower",
};

function titleOf({ code }: Failure): string | undefined {
  const title = TITLES[code];
  return title === undefined ? undefined : t(title);
}

function said(checking: boolean, findings: readonly Finding[], failure: Failure | null): string {
  if (checking) return t("editor.checking");
  if (failure !== null) return t("editor.notChecked");
  const errors = findings.filter((each) => each.severity === "error").length;
  const warnings = findings.length - errors;
  if (errors + warnings === 0) return t("check.clean");
  const first = errors > 0 ? t("editor.errors", { count: errors }) : t("editor.noErrors");
  return `${first}, ${t("editor.warnings", { count: warnings })}`;
}

function idIn(text: string): string {
  const document: unknown = JSON.parse(text);
  const id =
    typeof document === "object" && document !== null
      ? (document as { workflowId?: unknown }).workflowId
      : null;
  return typeof id === "string" ? id : "";
}
