import { Box, Textarea } from "@chakra-ui/react";
import { type Ref, useEffect, useImperativeHandle, useRef, useState } from "react";
import { loadEditor } from "src/editor/load";
import type { Editor, Mark } from "src/editor/main";
import { t } from "src/texts";

export type EditorHandle = { goTo: (position: number) => void; setText: (text: string) => void };
type Props = {
  initial: string;
  onChange: (text: string) => void;
  marks: readonly Mark[];
  ref: Ref<EditorHandle>;
};

/** An editor for JSON; a plain field where the real one cannot be loaded. */
export function TextEditor({ initial, onChange, marks, ref }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [editor, setEditor] = useState<Editor | null>(null);
  const [plain, setPlain] = useState(false);
  const [text, setText] = useState(initial);
  const latest = useRef({ onChange, initial });
  latest.current.onChange = onChange;

  useEffect(() => {
    let made: Editor | null = null;
    let gone = false;
    loadEditor().then(
      ({ createEditor }) => {
        if (gone || place.current === null) return;
        made = createEditor(place.current, latest.current.initial, t("editor.document"), (changed) =>
          latest.current.onChange(changed),
        );
        setEditor(made);
      },
      () => {
        if (!gone) setPlain(true);
      },
    );
    return () => {
      gone = true;
      made?.destroy();
    };
  }, []);

  useEffect(() => editor?.setMarks(marks), [editor, marks]);
  useImperativeHandle(
    ref,
    () => ({
      goTo: (position) => editor?.goTo(position),
      setText: (changed) => {
        setText(changed);
        editor?.setText(changed);
      },
    }),
    [editor],
  );
  if (plain) {
    return (
      <Textarea
        aria-label={t("editor.document")}
        fontFamily="mono"
        fontSize="xs"
        onChange={(event) => {
          setText(event.target.value);
          onChange(event.target.value);
        }}
        rows={30}
        spellCheck={false}
        value={text}
      />
    );
  }
  return (
    <Box
      borderWidth="1px"
      css={{ "& .cm-editor": { height: "100%" } }}
      data-testid="editor"
      h={{ base: "60vh", md: "calc(100vh - 330px)" }}
      minH="320px"
      overflow="hidden"
      ref={place}
      rounded="md"
    />
  );
}
