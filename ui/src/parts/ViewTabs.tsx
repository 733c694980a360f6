import { Tabs } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { useParameters } from "src/parts/useParameters";

export type View = { name: string; title: string; content: ReactNode };

/** Tabs of which the address names the chosen one, so that it is there again after a reload; the first by default. */
export function ViewTabs({ views, pt }: { views: readonly View[]; pt?: number }) {
  const [parameters, setParameters] = useParameters();
  const first = views[0]?.name ?? "";
  const wanted = parameters.get("view");
  const shown = views.some(({ name }) => name === wanted) ? wanted : first;
  return (
    <Tabs.Root
      lazyMount
      onValueChange={({ value }) => setParameters(value === first ? {} : { view: value })}
      size="sm"
      unmountOnExit
      value={shown}
    >
      <Tabs.List overflowX="auto" overflowY="hidden">
        {views.map(({ name, title }) => (
          <Tabs.Trigger flexShrink={0} key={name} px={{ base: 2, md: 4 }} value={name}>
            {title}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {views.map(({ name, content }) => (
        <Tabs.Content key={name} pt={pt} value={name}>
          {content}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}
