import { Heading, Stack, Table, Text } from "@chakra-ui/react";
import { useState } from "react";
import { useLive } from "src/api/polling";
import type { InstancePage, InstanceView } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { DataTable } from "src/parts/DataTable";
import { Empty } from "src/parts/Empty";
import { LiveView } from "src/parts/LiveView";
import { paths } from "src/parts/paths";
import { StatusBadge } from "src/parts/StatusBadge";
import { TextFilter } from "src/parts/TextFilter";
import { Time } from "src/parts/Time";
import { usePageTitle } from "src/parts/usePageTitle";
import { t } from "src/texts";
import { Comparison } from "src/workflow/Comparison";
import { NothingThere } from "src/workflow/InstancePage";
import { nameOfInstance } from "src/workflow/instance";
import { useInstanceById } from "src/workflow/useInstance";

const FEW = 20;

/** Compares an instance with another one, which is chosen first where the address does not name it. */
export function ComparePage({ name, other }: { name: string; other: string }) {
  return other === "" ? <Chosen id={name} /> : <Both ids={[name, other]} />;
}

function Both({ ids }: { ids: readonly [string, string] }) {
  const [left, right] = [useInstanceById(ids[0]), useInstanceById(ids[1])];
  const nothing = NothingThere({ instance: left }) ?? NothingThere({ instance: right });
  if (nothing !== null) return nothing;
  return (
    <LiveView lines={8} live={left.live}>
      {(first) => (
        <LiveView lines={8} live={right.live}>
          {(second) => (
            <Comparison names={new Map([...right.names, ...left.names])} views={[first, second]} />
          )}
        </LiveView>
      )}
    </LiveView>
  );
}

function Chosen({ id }: { id: string }) {
  const { live } = useInstanceById(id);
  return <LiveView live={live}>{(view) => <Choice view={view} />}</LiveView>;
}

/** The newest other instances of the same workflow, or those that a text finds. */
function Choice({ view }: { view: InstanceView }) {
  const [search, setSearch] = useState("");
  const live = useLive<InstancePage>("/instances", {
    query: { workflowId: view.workflowId, search: search || null, limit: FEW + 1 },
  });
  usePageTitle(t("compare.title"), nameOfInstance(view));
  return (
    <Stack gap={3}>
      <Heading as="h2" overflowWrap="anywhere" size="md">
        {t("compare.with", { name: nameOfInstance(view) })}
      </Heading>
      <TextFilter
        label={t("instances.search")}
        maxW="xs"
        onChange={setSearch}
        placeholder={t("instances.search")}
        value={search}
      />
      <LiveView live={live}>
        {({ items }) => <Others items={items.filter(({ id }) => id !== view.id).slice(0, FEW)} view={view} />}
      </LiveView>
    </Stack>
  );
}

function Others({ items, view }: { items: InstancePage["items"]; view: InstanceView }) {
  if (items.length === 0)
    return <Empty title={t("instances.noMatch")}>{t("compare.none", { workflow: view.workflowName })}</Empty>;
  return (
    <DataTable columns={[t("common.instance"), t("common.status"), t("common.started")]}>
      {items.map((each) => (
        <Table.Row key={each.id}>
          <Table.Cell maxW="sm">
            <AppLink to={paths.compare(view.id, each.id)}>{nameOfInstance(each)}</AppLink>
            <Text color="fg.muted" fontSize="xs">
              {each.version}
            </Text>
          </Table.Cell>
          <Table.Cell>
            <StatusBadge status={each.displayStatus} />
          </Table.Cell>
          <Table.Cell>
            <Time at={each.startedAt} only="moment" />
          </Table.Cell>
        </Table.Row>
      ))}
    </DataTable>
  );
}
