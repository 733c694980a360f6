import { List, Stack, Text } from "@chakra-ui/react";
import { useLive } from "src/api/polling";
import type { DefinitionGraph, Instance, InstancePage, InstanceView } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { LiveView } from "src/parts/LiveView";
import { paths } from "src/parts/paths";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time } from "src/parts/Time";
import { t } from "src/texts";
import { nameOfInstance } from "src/workflow/instance";

const CHILD = "workflow:";
const MOST = 200;
const EVERY = 5000;

/** Whether a step of the definition starts another workflow. */
export function startsOthers(graph: DefinitionGraph | null): boolean {
  return (
    graph?.nodes.some(({ taskId }) => taskId?.split(" | ").some((each) => each.startsWith(CHILD))) ?? false
  );
}

/** The instance that started this one, and those that it has started, as a tree. */
export function Related({ view }: { view: InstanceView }) {
  if (view.parentInstanceId == null) return <Own view={view} />;
  return <Parent id={view.parentInstanceId} view={view} />;
}

function Parent({ id, view }: { id: string; view: InstanceView }) {
  const live = useLive<Instance>(`/instances/${encodeURIComponent(id)}`, { every: EVERY });
  return (
    <List.Root listStyle="none">
      <List.Item>
        {live.failure?.missing ? (
          <Text color="fg.muted">{t("instance.goneText")}</Text>
        ) : (
          <LiveView lines={1} live={live}>
            {(parent) => <Named item={parent} />}
          </LiveView>
        )}
        <Own nested view={view} />
      </List.Item>
    </List.Root>
  );
}

function Own({ view, nested = false }: { view: InstanceView; nested?: boolean }) {
  const live = useLive<InstancePage>("/instances", {
    query: { parentInstanceId: view.id, order: "oldest", limit: MOST },
    every: EVERY,
  });
  return (
    <List.Root listStyle="none" ps={nested ? 5 : 0}>
      <List.Item>
        <Stack aria-current="true" direction="row" flexWrap="wrap" gap={2} py={1}>
          <b>{nameOfInstance(view)}</b>
          <Text color="fg.muted">{view.workflowName}</Text>
        </Stack>
        <LiveView lines={2} live={live}>
          {({ items, next }) =>
            items.length === 0 ? (
              <Text color="fg.muted" ps={5}>
                {t("instance.noChildren")}
              </Text>
            ) : (
              <>
                <List.Root listStyle="none" ps={5}>
                  {items.map((each) => (
                    <List.Item key={each.id}>
                      <Named item={each} />
                    </List.Item>
                  ))}
                </List.Root>
                {next === null ? null : (
                  <Text color="fg.muted" ps={5}>
                    {t("instance.moreChildren", { count: MOST })}
                  </Text>
                )}
              </>
            )
          }
        </LiveView>
      </List.Item>
    </List.Root>
  );
}

type Item = Pick<
  Instance,
  "id" | "workflowId" | "correlationId" | "runId" | "displayStatus" | "startedAt" | "parentStepId"
>;

function Named({ item }: { item: Item }) {
  return (
    <Stack align="baseline" direction="row" flexWrap="wrap" gap={2} py={1}>
      <StatusBadge status={item.displayStatus} />
      <AppLink to={paths.instance(item.id)}>{nameOfInstance(item)}</AppLink>
      <Text color="fg.muted" fontSize="xs" overflowWrap="anywhere">
        {[item.workflowId, item.parentStepId].filter(Boolean).join(", ")}
        {", "}
        <Time at={item.startedAt} />
      </Text>
    </Stack>
  );
}
