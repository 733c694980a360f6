import { Link, Text } from "@chakra-ui/react";
import { JsonView } from "src/parts/JsonView";
import { Markdown } from "src/parts/Markdown";
import { linkOf, written } from "src/parts/values";

/** A value of a component, as its format says. */
export function Value({ value, format }: { value: unknown; format: string }) {
  const text = written(value, format);
  if (text !== null) {
    return (
      <Text as="span" overflowWrap="anywhere" whiteSpace="pre-wrap">
        {text}
      </Text>
    );
  }
  if (format === "markdown" && typeof value === "string") return <Markdown text={value} />;
  const href = format === "link" ? linkOf(value) : null;
  if (href !== null) {
    return (
      <Link
        color="fg.info"
        href={href}
        overflowWrap="anywhere"
        rel="noopener noreferrer nofollow"
        target="_blank"
      >
        {String(value)}
      </Link>
    );
  }
  return <JsonView depth={1} value={value} />;
}
