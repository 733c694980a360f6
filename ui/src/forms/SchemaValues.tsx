import { Box, Table, Text } from "@chakra-ui/react";
import { fieldsOf, formatOf, nameOfChoice } from "src/forms/labels";
import { isObject, kindOf, resolved, type Schema } from "src/forms/schema";
import { DataTable } from "src/parts/DataTable";
import { LabelledValues } from "src/parts/LabelledValues";
import { Value } from "src/parts/Value";
import { t } from "src/texts";

const MAX_DEPTH = 3;
const MAX_ROWS = 100;

type Props = { schema: Schema; value: Record<string, unknown> };

/** What somebody has filled in, as labels and values: the titles of a JSON Schema, in the order of its author. */
export function SchemaValues({ schema, value }: Props) {
  return <Fields depth={0} root={schema} schema={schema} value={value} />;
}

type PartProps = { schema: Schema; root: Schema; value: unknown; depth: number };

function Fields({ schema, root, value, depth }: PartProps & { value: Record<string, unknown> }) {
  const values = fieldsOf(schema, value, root).map(({ label, schema: own, value: each }) => ({
    label,
    content: <Part depth={depth + 1} root={root} schema={own} value={each} />,
  }));
  return <LabelledValues values={values} />;
}

function Part({ schema, root, value, depth }: PartProps) {
  const own = resolved(schema, root);
  if (depth < MAX_DEPTH && kindOf(own) === "object" && isObject(value)) {
    return (
      <Box borderInlineStartWidth="2px" ps={3}>
        <Fields depth={depth} root={root} schema={own} value={value} />
      </Box>
    );
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return <Text color="fg.muted">{t("common.none")}</Text>;
    const items = resolved(own.items, root);
    if (depth < MAX_DEPTH && kindOf(items) === "object" && value.every(isObject))
      return <Rows depth={depth} root={root} schema={items} title={own.title} value={value} />;
    if (value.every((each) => !isObject(each) && !Array.isArray(each)))
      return <Value format="text" value={value.map(String).join(", ")} />;
  }
  return (
    <Value format={formatOf(own, value)} value={nameOfChoice(own, value) ?? (value === "" ? null : value)} />
  );
}

function Rows({
  schema,
  root,
  value,
  depth,
  title,
}: PartProps & { value: Record<string, unknown>[]; title: unknown }) {
  const shown = value.slice(0, MAX_ROWS);
  // Their columns: what any of them has.
  const columns = fieldsOf(schema, Object.assign({}, ...shown) as Record<string, unknown>, root);
  return (
    <>
      <DataTable
        columns={columns.map(({ label }) => label)}
        label={typeof title === "string" ? title : undefined}
      >
        {shown.map((row, number) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other identity
          <Table.Row key={number}>
            {columns.map(({ name, schema: own }) => (
              <Table.Cell key={name}>
                <Part depth={depth + 1} root={root} schema={own} value={row[name]} />
              </Table.Cell>
            ))}
          </Table.Row>
        ))}
      </DataTable>
      {value.length > MAX_ROWS ? (
        <Text color="fg.muted" fontSize="xs">
          {t("component.rows", { shown: MAX_ROWS, total: value.length })}
        </Text>
      ) : null}
    </>
  );
}
