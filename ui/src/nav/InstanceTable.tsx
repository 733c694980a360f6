import { Checkbox, Table, Text } from "@chakra-ui/react";
import type { InstanceSummary } from "src/api/schema.gen";
import { AppLink } from "src/parts/AppLink";
import { DataTable } from "src/parts/DataTable";
import { paths } from "src/parts/paths";
import { StatusBadge } from "src/parts/StatusBadge";
import { Time } from "src/parts/Time";
import { duration } from "src/parts/times";
import { t } from "src/texts";
import { nameOfInstance } from "src/workflow/instance";

type Choose = (chosen: readonly InstanceSummary[]) => void;
type Props = {
  items: readonly InstanceSummary[];
  chosen: readonly InstanceSummary[];
  /** Null where nothing can be done with what is chosen. */
  onChoose: Choose | null;
};

/** Instances, one a row, to be chosen from. */
export function InstanceTable({ items, chosen, onChoose }: Props) {
  const ids = new Set(chosen.map(({ id }) => id));
  const all = items.every(({ id }) => ids.has(id));
  const choose = (wanted: readonly InstanceSummary[], on: boolean) => {
    const others = chosen.filter(({ id }) => !wanted.some((each) => each.id === id));
    onChoose?.(on ? [...others, ...wanted] : others);
  };
  return (
    <DataTable
      columns={[
        ...(onChoose === null
          ? []
          : [
              {
                label: t("bulk.page"),
                content: (
                  <Choice
                    checked={all ? true : items.some(({ id }) => ids.has(id)) ? "indeterminate" : false}
                    label={t("bulk.page")}
                    onChange={(on) => choose(items, on)}
                  />
                ),
              },
            ]),
        t("common.status"),
        t("common.instance"),
        { label: t("common.workflow"), hideBelow: "md" as const },
        t("common.step"),
        t("common.started"),
        { label: t("common.duration"), hideBelow: "md" as const },
      ]}
    >
      {items.map((each) => (
        <Row
          item={each}
          key={each.id}
          onChoose={onChoose === null ? null : (on) => choose([each], on)}
          selected={ids.has(each.id)}
        />
      ))}
    </DataTable>
  );
}

type ChoiceProps = {
  label: string;
  checked: boolean | "indeterminate";
  onChange: (checked: boolean) => void;
};

function Choice({ label, checked, onChange }: ChoiceProps) {
  return (
    <Checkbox.Root
      checked={checked}
      display="flex"
      minH={6}
      minW={6}
      onCheckedChange={(change) => onChange(change.checked === true)}
      size="sm"
    >
      <Checkbox.HiddenInput aria-label={label} />
      <Checkbox.Control />
    </Checkbox.Root>
  );
}

type RowProps = { item: InstanceSummary; selected: boolean; onChoose: ((on: boolean) => void) | null };

function Row({ item, selected, onChoose }: RowProps) {
  const end = item.completedAt === null ? Date.now() : Date.parse(item.completedAt);
  const name = nameOfInstance(item);
  return (
    <Table.Row bg={selected ? "bg.muted" : undefined} data-testid={`instance-${item.id}`}>
      {onChoose === null ? null : (
        <Table.Cell>
          <Choice checked={selected} label={t("bulk.one", { name })} onChange={onChoose} />
        </Table.Cell>
      )}
      <Table.Cell>
        <StatusBadge status={item.displayStatus} />
        {item.compensationsOwed > 0 ? <StatusBadge label={t("instance.owed")} status="expired" /> : null}
      </Table.Cell>
      <Table.Cell maxW="sm" minW={32}>
        <AppLink to={paths.instance(item.id)}>{name}</AppLink>
        {item.correlationId === null ? null : (
          <Text color="fg.muted" fontSize="xs" hideBelow="md" overflowWrap="anywhere">
            {item.runId}
          </Text>
        )}
        <Text color="fg.muted" fontSize="xs" hideFrom="md" overflowWrap="anywhere">
          {item.workflowId} {item.version}
        </Text>
      </Table.Cell>
      <Table.Cell hideBelow="md" maxW="xs">
        <AppLink to={paths.definition(item.workflowId)}>{item.workflowId}</AppLink>
        <Text color="fg.muted" fontSize="xs">
          {item.version}
        </Text>
      </Table.Cell>
      <Table.Cell maxW="xs" overflowWrap="anywhere">
        {item.error?.stepId ?? item.currentStepId ?? "–"}
        {item.error === null ? null : (
          <Text color="fg.muted" fontSize="xs">
            {[item.error.type, item.error.code].filter(Boolean).join(" ")}
          </Text>
        )}
      </Table.Cell>
      <Table.Cell minW={28}>
        <Time at={item.startedAt} only="moment" />
        <Text color="fg.muted" fontSize="xs">
          <Time at={item.startedAt} />
          {item.startedBy === null ? null : `, ${item.startedBy}`}
        </Text>
      </Table.Cell>
      <Table.Cell hideBelow="md" whiteSpace="nowrap">
        {duration(end - Date.parse(item.startedAt))}
      </Table.Cell>
    </Table.Row>
  );
}
