import { Button, HStack, Spacer, Stack, Text } from "@chakra-ui/react";
import { useMemo, useState } from "react";
import { apiUrl } from "src/api/client";
import { useLive } from "src/api/polling";
import type { InstanceCounts, InstancePage, InstanceSummary } from "src/api/schema.gen";
import { BulkBar } from "src/nav/BulkBar";
import { Causes } from "src/nav/Causes";
import { type Filter, isFiltered, queryOf, readFilter, selectionOf, writeFilter } from "src/nav/filter";
import { InstanceFilters } from "src/nav/InstanceFilters";
import { InstanceTable } from "src/nav/InstanceTable";
import { SavedViews } from "src/nav/SavedViews";
import { shownCounts } from "src/nav/statistics";
import { Empty } from "src/parts/Empty";
import { LiveView } from "src/parts/LiveView";
import { Pager, usePages } from "src/parts/Pager";
import { useParameters } from "src/parts/useParameters";
import { language, t } from "src/texts";

const FEW = 50;

/** All instances that the user may read, newest first; the filter is part of the address. */
export function Instances() {
  const [parameters, setParameters] = useParameters();
  const filter = readFilter(parameters);
  const key = JSON.stringify(filter);
  // The last hours end when they are chosen: they would otherwise be another question with every answer.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a moment for each filter
  const now = useMemo(() => Date.now(), [key]);
  const change = (changed: Partial<Filter>) => setParameters(writeFilter({ ...filter, ...changed }));
  const pages = usePages(key);
  const live = useLive<InstancePage>("/instances", {
    query: { ...queryOf(filter, now), after: pages.after, limit: FEW },
    every: pages.number === 1 ? 3000 : 15_000,
  });
  const summary = useLive<InstanceCounts>("/instances/summary", {
    query: selectionOf(filter, now),
    every: 15_000,
  });
  const [selection, setSelection] = useState<{ key: string; chosen: readonly InstanceSummary[] }>({
    key,
    chosen: [],
  });
  const chosen = selection.key === key ? selection.chosen : [];
  const found = summary.data?.counts ?? null;
  const counts =
    found === null ? null : shownCounts({ counts: found, cancelled: summary.data?.cancelled ?? 0 });
  const total = found === null ? null : Object.values(found).reduce((sum, each) => sum + each, 0);
  const refresh = () => {
    live.refresh();
    summary.refresh();
  };
  const operable = summary.data?.operable ?? false;
  return (
    <Stack gap={3}>
      <InstanceFilters change={change} clear={() => setParameters({})} counts={counts} filter={filter} />
      <Causes causes={summary.data?.causes ?? []} change={change} filter={filter} />
      <HStack columnGap={3} flexWrap="wrap" minH={8}>
        <Text aria-live="polite" color="fg.muted" fontSize="xs">
          {total === null
            ? ""
            : t("instances.total", { count: total, number: total.toLocaleString(language()) })}
        </Text>
        <Button
          onClick={() => change({ order: filter.order === "newest" ? "oldest" : "newest" })}
          size="xs"
          variant="ghost"
        >
          {t(filter.order === "newest" ? "instances.newest" : "instances.oldest")}
        </Button>
        <SavedViews
          address={writeFilter(filter).toString()}
          filtered={isFiltered(filter)}
          onChoose={(address) => setParameters(new URLSearchParams(address))}
        />
        <Spacer />
        <Export filter={filter} now={now} />
      </HStack>
      {operable ? (
        <BulkBar
          chosen={chosen}
          clear={() => setSelection({ key, chosen: [] })}
          filter={filter}
          now={now}
          onChanged={refresh}
          total={total}
        />
      ) : null}
      <LiveView lines={8} live={live}>
        {({ items, next }) =>
          items.length === 0 ? (
            <Empty title={isFiltered(filter) ? t("instances.noMatch") : t("instances.none")}>
              {isFiltered(filter) ? t("instances.noMatchText") : t("instances.noneText")}
            </Empty>
          ) : (
            <>
              <InstanceTable
                chosen={chosen}
                items={items}
                onChoose={operable ? (wanted) => setSelection({ key, chosen: wanted }) : null}
              />
              <Pager
                labels={filter.order === "oldest" ? [t("pages.older"), t("pages.newer")] : undefined}
                next={next}
                pages={pages}
              />
            </>
          )
        }
      </LiveView>
    </Stack>
  );
}

/** The whole list as a file. */
function Export({ filter, now }: { filter: Filter; now: number }) {
  return (
    <HStack gap={1}>
      {(["csv", "json"] as const).map((format) => (
        <Button asChild key={format} size="xs" variant="outline">
          <a download href={apiUrl("/instances/export", { ...queryOf(filter, now), format })}>
            {t(`instances.export.${format}`)}
          </a>
        </Button>
      ))}
    </HStack>
  );
}
