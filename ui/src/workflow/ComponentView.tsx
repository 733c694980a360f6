import { Box, Card, Heading, Stack, Table, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import type { Component, DefinitionGraph, InstanceView } from "src/api/schema.gen";
import { GraphView } from "src/graph/GraphView";
import { DataTable } from "src/parts/DataTable";
import { LabelledValues } from "src/parts/LabelledValues";
import { Markdown } from "src/parts/Markdown";
import { Notice } from "src/parts/Notice";
import { Value } from "src/parts/Value";
import { t } from "src/texts";
import { ModuleView } from "src/workflow/ModuleView";
import { Questions } from "src/workflow/Questions";
import { TimelineView } from "src/workflow/TimelineView";

export type Around = {
  view: InstanceView;
  graph: DefinitionGraph | null;
  names: ReadonlyMap<string, string>;
  human: ReadonlySet<string>;
  selected: string | null;
  onSelect: (stepId: string) => void;
  onChanged: () => void;
};

/** One component of the page, drawn by its package's module or by its layout. */
export function ComponentView({ component, around }: { component: Component; around: Around }) {
  const drawn =
    component.layout === "alert" ? <AlertLayout component={component} /> : framed(component, around);
  return (
    <Box
      as="section"
      aria-label={component.title ?? component.componentId}
      data-component={component.componentId}
      data-layout={component.layout}
      minW={0}
    >
      {component.module ? (
        <ModuleView component={component} fallback={drawn} url={component.module} />
      ) : (
        drawn
      )}
    </Box>
  );
}

function framed(component: Component, around: Around): ReactNode {
  return (
    <Card.Root size="sm" variant="outline">
      <Card.Body gap={2}>
        {component.title ? (
          <Heading as="h3" overflowWrap="anywhere" size="sm">
            {component.title}
          </Heading>
        ) : null}
        {component.description ? <Markdown text={component.description} /> : null}
        <Content around={around} component={component} />
      </Card.Body>
    </Card.Root>
  );
}

function Content({ component, around }: { component: Component; around: Around }) {
  const { view, graph, names, human, selected, onSelect, onChanged } = around;
  switch (component.layout) {
    case "timeline":
      return (
        <TimelineView
          human={human}
          maxHeight={260}
          names={names}
          onSelect={onSelect}
          selected={selected}
          view={view}
        />
      );
    case "graph":
      return graph === null ? null : (
        <GraphView graph={graph} onSelect={onSelect} selected={selected} view={view} />
      );
    case "table":
      return <TableLayout component={component} />;
    case "form":
      return <Questions onChanged={onChanged} stepId={component.stepId ?? null} view={view} />;
    default:
      return <CardLayout component={component} />;
  }
}

function AlertLayout({ component }: { component: Component }) {
  return (
    <Notice title={component.title ?? component.componentId} tone={component.tone ?? "info"}>
      <Stack gap={1}>
        {component.description ? <Markdown text={component.description} /> : null}
        <Items component={component} />
      </Stack>
    </Notice>
  );
}

function CardLayout({ component }: { component: Component }) {
  if (component.items.length === 0 && component.table) return <TableLayout component={component} />;
  if (component.items.length === 0 && !component.description) {
    return <Text color="fg.muted">{t("component.empty")}</Text>;
  }
  return <Items component={component} />;
}

function Items({ component }: { component: Component }) {
  if (component.items.length === 0) return null;
  return (
    <LabelledValues
      values={component.items.map(({ label, value, format }) => ({
        label,
        content: <Value format={format} value={value} />,
      }))}
    />
  );
}

function TableLayout({ component }: { component: Component }) {
  const table = component.table;
  if (!table || table.rows.length === 0) return <Text color="fg.muted">{t("component.noRows")}</Text>;
  return (
    <Box>
      <DataTable
        columns={table.columns.map(({ label }) => label)}
        label={component.title ?? component.componentId}
        maxH="24rem"
      >
        {table.rows.map((row, number) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have nothing else that tells them apart
          <Table.Row key={number}>
            {row.map((cell, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <Table.Cell key={index}>
                <Value format={table.columns[index]?.format ?? "text"} value={cell} />
              </Table.Cell>
            ))}
          </Table.Row>
        ))}
      </DataTable>
      {table.total > table.rows.length ? (
        <Text color="fg.muted" fontSize="xs" p={2}>
          {t("component.rows", { shown: table.rows.length, total: table.total })}
        </Text>
      ) : null}
    </Box>
  );
}
