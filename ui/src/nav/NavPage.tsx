import { Heading, HStack, Stack, Tabs } from "@chakra-ui/react";
import type { ComponentType } from "react";
import { useNavigate, useParams } from "react-router-dom";
import { ComparePage } from "src/nav/ComparePage";
import { Definitions } from "src/nav/Definitions";
import { EventsView } from "src/nav/EventsView";
import { Instances } from "src/nav/Instances";
import { InstanceView } from "src/nav/InstanceView";
import { MyTasks, TaskPage } from "src/nav/MyTasks";
import { NewWorkflow } from "src/nav/NewWorkflow";
import { Overview } from "src/nav/Overview";
import { StartView } from "src/nav/StartView";
import { paths } from "src/parts/paths";
import { usePageTitle } from "src/parts/usePageTitle";
import { useOpenQuestions } from "src/people/useOpenQuestions";
import { type TextKey, t } from "src/texts";

type View = { title: TextKey; View: ComponentType };

const TABS: Record<string, View> = {
  definitions: { title: "nav.definitions", View: Definitions },
  instances: { title: "nav.instances", View: Instances },
  tasks: { title: "nav.tasks", View: MyTasks },
  events: { title: "nav.events", View: EventsView },
  overview: { title: "nav.overview", View: Overview },
};

// What is opened from a tab: its first name in the address, and the tab that stays marked; it gets the next two names.
const PAGES: Record<string, { tab: string; View: ComponentType<{ name: string; other: string }> }> = {
  start: { tab: "definitions", View: StartView },
  new: { tab: "definitions", View: NewWorkflow },
  task: { tab: "tasks", View: TaskPage },
  instance: { tab: "instances", View: InstanceView },
  compare: { tab: "instances", View: ComparePage },
};

/** The page behind Airflow's navigation; what is shown is part of the address, so that it can be sent to others. */
export function NavPage() {
  const { "*": rest = "" } = useParams();
  const navigate = useNavigate();
  const questions = useOpenQuestions();
  const [first = "", name = "", other = ""] = rest.split("/");
  const page = PAGES[first];
  const current = page?.tab ?? (first in TABS ? first : "definitions");
  // An address that names the tasks shows them at once, before it is known whether the server has any.
  const tabs = Object.entries(TABS).filter(
    ([path]) => path !== "tasks" || questions.available || current === "tasks",
  );
  usePageTitle(t(TABS[current]?.title ?? "nav.workflows"), t("nav.workflows"));
  return (
    <Stack gap={3}>
      <HStack justify="space-between">
        <Heading as="h1" size="lg">
          {t("nav.workflows")}
        </Heading>
      </HStack>
      <Tabs.Root
        lazyMount
        onValueChange={({ value }) => navigate(paths.nav(value))}
        size="sm"
        unmountOnExit
        value={current}
      >
        <Tabs.List overflowX="auto" overflowY="hidden">
          {tabs.map(([path, { title }]) => (
            <Tabs.Trigger
              flexShrink={0}
              key={path}
              onClick={() => path === current && page !== undefined && navigate(paths.nav(path))}
              value={path}
            >
              {t(title)}
              {path === "tasks" && questions.count > 0 ? ` (${questions.label})` : ""}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {tabs.map(([path, { View }]) => (
          <Tabs.Content key={path} pt={4} value={path}>
            {page === undefined ? <View /> : <page.View key={rest} name={name} other={other} />}
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Stack>
  );
}
