import { Box } from "@chakra-ui/react";
import DOMPurify from "dompurify";
import { Marked } from "marked";
import { useEffect, useMemo, useRef } from "react";

const marked = new Marked({ async: false, gfm: true, breaks: false });

const ALLOWED = {
  ALLOWED_TAGS: [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
  ],
  ALLOWED_ATTR: ["href", "title", "align", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|\/(?!\/)|#)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true as const,
};

/** Markdown as the few elements that text needs: nothing that runs, nothing that is fetched from elsewhere. */
export function sanitised(text: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(marked.parse(text) as string, ALLOWED);
  for (const link of fragment.querySelectorAll("a")) {
    link.setAttribute("rel", "noopener noreferrer nofollow");
    if (/^https?:/i.test(link.getAttribute("href") ?? "")) link.setAttribute("target", "_blank");
  }
  return fragment;
}

/** Text that authors wrote in Markdown. */
export function Markdown({ text }: { text: string }) {
  const place = useRef<HTMLDivElement>(null);
  const fragment = useMemo(() => sanitised(text), [text]);
  useEffect(() => {
    place.current?.replaceChildren(fragment.cloneNode(true));
  }, [fragment]);
  return (
    <Box
      css={{
        "& p, & ul, & ol, & pre, & table, & blockquote": { marginBlockEnd: "2" },
        "& ul": { listStyle: "disc", paddingInlineStart: "5" },
        "& ol": { listStyle: "decimal", paddingInlineStart: "5" },
        "& h1, & h2, & h3, & h4, & h5, & h6": { fontWeight: "semibold", marginBlockEnd: "1" },
        "& a": { color: "fg.info", textDecoration: "underline" },
        "& code, & pre": {
          fontFamily: "mono",
          fontSize: "xs",
          background: "bg.muted",
          borderRadius: "sm",
          paddingInline: "1",
        },
        "& pre": { overflowX: "auto", padding: "2" },
        "& th, & td": { borderWidth: "1px", paddingInline: "2", paddingBlock: "1" },
        "& em": { fontStyle: "italic" },
        "& strong": { fontWeight: "bold" },
        "& blockquote": { borderInlineStartWidth: "3px", paddingInlineStart: "3", color: "fg.muted" },
      }}
      overflowWrap="anywhere"
      ref={place}
    />
  );
}
