import { Button, HStack, Input, NativeSelect, Stack, Text } from "@chakra-ui/react";
import { type ReactNode, useState } from "react";
import { type Filter, isFiltered, LAST, type Last, STATUSES, toggled } from "src/nav/filter";
import type { Counts } from "src/nav/statistics";
import { WorkflowPicker } from "src/nav/WorkflowPicker";
import { paletteOf } from "src/parts/StatusBadge";
import { TextFilter } from "src/parts/TextFilter";
import { language, statusName, type TextKey, t } from "src/texts";

type Props = {
  filter: Filter;
  counts: Counts | null;
  change: (changed: Partial<Filter>) => void;
  clear: () => void;
};

/** Further texts, and what each is called. */
const MORE: readonly (readonly [keyof Filter, TextKey])[] = [
  ["stepId", "common.step"],
  ["errorType", "instances.errorType"],
  ["errorCode", "instances.errorCode"],
  ["version", "instances.version"],
  ["startedBy", "instances.startedBy"],
];

export function InstanceFilters({ filter, counts, change, clear }: Props) {
  const used = filter.input !== "" || MORE.some(([name]) => filter[name] !== "" && filter[name] !== null);
  const [asked, setAsked] = useState(false);
  const open = asked || used;
  return (
    <Stack as="search" gap={3}>
      <HStack align="flex-end" flexWrap="wrap" gap={3}>
        <Field label={t("common.workflow")}>
          <WorkflowPicker onChange={(workflowId) => change({ workflowId })} value={filter.workflowId} />
        </Field>
        <Field label={t("instances.search")}>
          <TextFilter
            label={t("instances.search")}
            maxLength={255}
            onChange={(search) => change({ search })}
            type="search"
            value={filter.search}
            w={52}
          />
        </Field>
        <Field label={t("common.status")}>
          <Statuses change={change} counts={counts} filter={filter} />
        </Field>
        <Period change={change} filter={filter} />
        <Button
          aria-expanded={open}
          disabled={used}
          onClick={() => setAsked(!asked)}
          size="sm"
          variant="ghost"
        >
          {t("instances.more")}
        </Button>
        {isFiltered(filter) ? (
          <Button
            onClick={() => {
              setAsked(false);
              clear();
            }}
            size="sm"
            variant="ghost"
          >
            {t("instances.clear")}
          </Button>
        ) : null}
      </HStack>
      {open ? <More change={change} filter={filter} /> : null}
    </Stack>
  );
}

type PartProps = Pick<Props, "filter" | "change">;

function Statuses({ filter, counts, change }: Pick<Props, "filter" | "change" | "counts">) {
  return (
    <HStack aria-label={t("common.status")} flexWrap="wrap" gap={1} role="group">
      {STATUSES.map((status) => (
        <Button
          aria-pressed={filter.status.includes(status)}
          colorPalette={paletteOf(status)}
          key={status}
          onClick={() => change({ status: toggled(filter.status, status) })}
          size="xs"
          variant={filter.status.includes(status) ? "solid" : "outline"}
        >
          {statusName(status)}
          {counts === null || counts[status] === 0 ? null : (
            <Text as="span" opacity={0.8}>
              {(counts[status] ?? 0).toLocaleString(language())}
            </Text>
          )}
        </Button>
      ))}
    </HStack>
  );
}

/** When they started: the last hours, or between two moments in the zone that is chosen in Airflow. */
function Period({ filter, change }: PartProps) {
  const [exact, setExact] = useState(false);
  const chosen = exact || filter.from !== "" || filter.until !== "" ? "exact" : filter.last;
  const choose = (wanted: string) => {
    setExact(wanted === "exact");
    change({ last: wanted in LAST ? (wanted as Last) : "", from: "", until: "" });
  };
  return (
    <>
      <Field label={t("common.started")}>
        <NativeSelect.Root size="sm" w="auto">
          <NativeSelect.Field
            aria-label={t("common.started")}
            onChange={(event) => choose(event.target.value)}
            value={chosen}
          >
            <option value="">{t("instances.anyTime")}</option>
            {(Object.keys(LAST) as Last[]).map((last) => (
              <option key={last} value={last}>
                {t(`instances.last.${last}`)}
              </option>
            ))}
            <option value="exact">{t("instances.exact")}</option>
          </NativeSelect.Field>
          <NativeSelect.Indicator />
        </NativeSelect.Root>
      </Field>
      {chosen === "exact" ? (
        <>
          <Moment
            label={t("instances.from")}
            onChange={(from) => change({ from, last: "" })}
            value={filter.from}
          />
          <Moment
            label={t("instances.until")}
            onChange={(until) => change({ until, last: "" })}
            value={filter.until}
          />
        </>
      ) : null}
    </>
  );
}

function Moment({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
}) {
  return (
    <Field label={label}>
      <Input
        aria-label={label}
        onChange={(event) => onChange(event.target.value)}
        size="sm"
        type="datetime-local"
        value={value}
        w="auto"
      />
    </Field>
  );
}

function More({ filter, change }: PartProps) {
  return (
    <HStack align="flex-end" flexWrap="wrap" gap={3}>
      {MORE.map(([name, label]) => (
        <Field key={name} label={t(label)}>
          <TextFilter
            label={t(label)}
            onChange={(text) => change({ [name]: name.startsWith("error") && text === "" ? null : text })}
            value={String(filter[name] ?? "")}
            w={36}
          />
        </Field>
      ))}
      <Field label={t("instances.input")}>
        <TextFilter
          disabled={filter.workflowId === ""}
          label={t("instances.input")}
          onChange={(input) => change({ input })}
          placeholder={filter.workflowId === "" ? t("instances.inputNeeds") : '$.customer.id == "c-1"'}
          value={filter.input}
          w={60}
        />
      </Field>
    </HStack>
  );
}

function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Stack gap={1} maxW="full">
      <Text aria-hidden="true" color="fg.muted" fontSize="xs">
        {label}
      </Text>
      {children}
    </Stack>
  );
}
