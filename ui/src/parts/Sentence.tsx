import { Fragment, type ReactNode } from "react";
import { type TextKey, t } from "src/texts";

type Props = {
  text: TextKey;
  /** What stands for the placeholders of the text. */
  parts: Record<string, ReactNode>;
};

/** A text with elements in it, such as times and links; each language puts them where it wants them. */
export function Sentence({ text, parts }: Props) {
  const pieces = t(text, { skipInterpolation: true }).split(/\{\{(\w+)\}\}/);
  return pieces.map((piece, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a text keep their places
    <Fragment key={index}>{index % 2 === 1 ? parts[piece] : piece}</Fragment>
  ));
}
