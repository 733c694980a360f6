import { Box } from "@chakra-ui/react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { airflowUrl } from "src/api/client";
import type { Component } from "src/api/schema.gen";

type Draw = (element: HTMLElement, component: Component) => void;
type Props = { url: string; component: Component; fallback: ReactNode };

/** A component that an installed package draws; its layout does where that cannot be. */
export function ModuleView({ url, component, fallback }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const [draw, setDraw] = useState<Draw | null>(null);
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    let wanted = true;
    const address = url.startsWith("/") ? airflowUrl(url) : url;
    import(/* @vite-ignore */ address)
      .then((module: { default?: unknown }) => {
        if (typeof module.default !== "function") throw new TypeError("it has no default export to call");
        if (wanted) setDraw(() => module.default as Draw);
      })
      .catch((error: unknown) => {
        console.error(`The component ${url} cannot be loaded`, error);
        if (wanted) setBroken(true);
      });
    return () => {
      wanted = false;
    };
  }, [url]);
  const content = JSON.stringify(component);
  useEffect(() => {
    if (draw === null || place.current === null) return;
    try {
      draw(place.current, JSON.parse(content) as Component);
    } catch (error) {
      console.error("A component of a package failed", error);
      setBroken(true);
    }
  }, [draw, content]);
  if (broken) return fallback;
  return <Box minH={8} ref={place} />;
}
