import { Box, Textarea } from "@chakra-ui/react";
import { useEffect, useRef, useState } from "react";
import type { Editor, EditorModule, Mark } from "src/editor/types";
import { t } from "src/texts";

type Props = {
  module: EditorModule | null;
  text: string;
  marks: readonly Mark[];
  onChange: (text: string) => void;
  onCursor: (position: number) => void;
  /** Told the editor as soon as there is one. */
  onReady: (editor: Editor) => void;
};

/** An editor for JSON; empty while it is loaded. */
export function TextEditor({ module, marks, ...props }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    if (module === null || place.current === null) return undefined;
    const made = module.createEditor(place.current, {
      text: latest.current.text,
      label: t("editor.document"),
      onChange: (text) => latest.current.onChange(text),
      onCursor: (position) => latest.current.onCursor(position),
    });
    setEditor(made);
    latest.current.onReady(made);
    return () => made.destroy();
  }, [module]);

  useEffect(() => editor?.setMarks(marks), [editor, marks]);
  return (
    <Box
      borderWidth="1px"
      css={{ "& .cm-editor": { height: "100%" } }}
      data-testid="editor"
      h={{ base: "60vh", lg: "calc(100vh - 240px)" }}
      minH="320px"
      overflow="hidden"
      ref={place}
      rounded="md"
    />
  );
}

/** A plain field, where the editor cannot be loaded. */
export function PlainEditor({ text, onChange }: Pick<Props, "text" | "onChange">) {
  return (
    <Textarea
      aria-label={t("editor.document")}
      fontFamily="mono"
      fontSize="xs"
      onChange={(event) => onChange(event.target.value)}
      rows={30}
      spellCheck={false}
      value={text}
    />
  );
}
