import {
  Box,
  Button,
  Checkbox,
  Fieldset,
  HStack,
  Input,
  NativeSelect,
  Stack,
  Text,
  Textarea,
} from "@chakra-ui/react";
import { useId, useState } from "react";
import { afterPress } from "src/forms/afterPress";
import { Labelled } from "src/forms/Labelled";
import {
  alternatives,
  check,
  escaped,
  type FieldErrors,
  initial,
  isObject,
  kindOf,
  names,
  resolved,
  type Schema,
  typesOf,
  Unreadable,
} from "src/forms/schema";
import { disjunction, t } from "src/texts";

type Props = {
  schema: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
  errors: FieldErrors;
  /** What a schema without a title is called. */
  name?: string;
};

/** A form for what a JSON Schema asks for; undefined values are left out. */
export function SchemaForm({ schema, value, onChange, errors, name }: Props) {
  return (
    <Part
      depth={0}
      errors={errors}
      label={name}
      onChange={onChange}
      pointer=""
      root={schema}
      schema={schema}
      value={value}
    />
  );
}

type PartProps = {
  schema: unknown;
  root: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
  errors: FieldErrors;
  pointer: string;
  depth: number;
  label?: string | undefined;
  required?: boolean;
};

function Part(props: PartProps) {
  const schema = resolved(props.schema, props.root);
  const inner = { ...props, schema };
  switch (kindOf(schema, props.depth)) {
    case "object":
      return <ObjectPart {...inner} />;
    case "array":
      return <ArrayPart {...inner} />;
    case "choice":
      return <ChoicePart {...inner} />;
    case "json":
      return <JsonPart {...inner} />;
    default:
      return <Leaf {...inner} />;
  }
}

type InnerProps = PartProps & { schema: Schema };

function titleOf(schema: Schema, label: string | undefined): string {
  return typeof schema.title === "string" && schema.title !== "" ? schema.title : (label ?? t("form.input"));
}

function helpOf(schema: Schema): string | undefined {
  return typeof schema.description === "string" ? schema.description : undefined;
}

function ObjectPart(props: InnerProps) {
  const { schema, value, onChange, pointer, depth, errors, root, label } = props;
  const known = isObject(value) ? value : {};
  const required = names(schema.required);
  const fields = Object.entries(schema.properties as Record<string, unknown>).map(([name, each]) => (
    <Part
      depth={depth + 1}
      errors={errors}
      key={name}
      label={name}
      onChange={(changed) => {
        const { [name]: _, ...others } = known;
        onChange(changed === undefined ? others : { ...others, [name]: changed });
      }}
      pointer={`${pointer}/${escaped(name)}`}
      required={required.includes(name)}
      root={root}
      schema={each}
      value={known[name]}
    />
  ));
  const own = errors[pointer] ?? [];
  if (depth === 0) {
    return (
      <Stack gap={4}>
        <Problems messages={own} />
        {fields.length === 0 ? <Text color="fg.muted">{t("form.nothing")}</Text> : fields}
      </Stack>
    );
  }
  return (
    <Fieldset.Root borderWidth="1px" invalid={own.length > 0} p={3} rounded="md" size="sm">
      <Fieldset.Legend px={1}>{titleOf(schema, label)}</Fieldset.Legend>
      {helpOf(schema) === undefined ? null : <Fieldset.HelperText>{helpOf(schema)}</Fieldset.HelperText>}
      <Fieldset.Content mt={2}>{fields}</Fieldset.Content>
      <Problems messages={own} />
    </Fieldset.Root>
  );
}

function ArrayPart(props: InnerProps) {
  const { schema, value, onChange, pointer, depth, errors, root, label } = props;
  const items = Array.isArray(value) ? value : [];
  const title = titleOf(schema, label);
  const own = errors[pointer] ?? [];
  const replace = (index: number, changed: unknown) =>
    onChange(items.map((each, at) => (at === index ? (changed ?? null) : each)));
  return (
    <Fieldset.Root borderWidth="1px" invalid={own.length > 0} p={3} rounded="md" size="sm">
      <Fieldset.Legend px={1}>{title}</Fieldset.Legend>
      {helpOf(schema) === undefined ? null : <Fieldset.HelperText>{helpOf(schema)}</Fieldset.HelperText>}
      <Fieldset.Content mt={2}>
        {items.map((item, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: an item has no name but its place
          <HStack align="flex-end" key={index}>
            <Box flex="1" minW={0}>
              <Part
                depth={depth + 1}
                errors={errors}
                label={`${title} ${index + 1}`}
                onChange={(changed) => replace(index, changed)}
                pointer={`${pointer}/${index}`}
                required
                root={root}
                schema={schema.items}
                value={item ?? undefined}
              />
            </Box>
            <Button
              aria-label={t("form.removeItem", { name: `${title} ${index + 1}` })}
              onClick={() => onChange(items.filter((_, at) => at !== index))}
              size="sm"
              variant="ghost"
            >
              {t("form.remove")}
            </Button>
          </HStack>
        ))}
        <HStack>
          <Button
            onClick={() =>
              onChange([...items, initial(schema.items, root, depth + 1) ?? blank(schema, root, depth)])
            }
            size="xs"
            variant="outline"
          >
            {t("form.add")}
          </Button>
          {items.length === 0 && value !== undefined && props.required !== true ? (
            <Button onClick={() => onChange(undefined)} size="xs" variant="ghost">
              {t("form.leaveOut")}
            </Button>
          ) : null}
        </HStack>
      </Fieldset.Content>
      <Problems messages={own} />
    </Fieldset.Root>
  );
}

function blank(schema: Schema, root: Schema, depth: number): unknown {
  const kind = kindOf(resolved(schema.items, root), depth + 1);
  return kind === "object" ? {} : kind === "array" ? [] : kind === "boolean" ? false : null;
}

function ChoicePart(props: InnerProps) {
  const { schema, label, root, depth, onChange, required } = props;
  const choices = alternatives(schema).map((each) => resolved(each, root));
  const [chosen, setChosen] = useState(0);
  const id = useId();
  const current = choices[chosen] ?? {};
  return (
    <Stack borderInlineStartWidth="2px" gap={2} ps={3}>
      <Labelled help={helpOf(schema)} id={id} label={titleOf(schema, label)} required={required ?? false}>
        <NativeSelect.Root size="sm">
          <NativeSelect.Field
            id={id}
            onChange={(event) => {
              const index = Number(event.target.value);
              setChosen(index);
              onChange(initial(choices[index], root, depth + 1));
            }}
            value={String(chosen)}
          >
            {choices.map((each, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: an alternative has no name but its place
              <option key={index} value={String(index)}>
                {titleOf(each, disjunction(typesOf(each)) || t("form.alternative", { number: index + 1 }))}
              </option>
            ))}
          </NativeSelect.Field>
          <NativeSelect.Indicator />
        </NativeSelect.Root>
      </Labelled>
      <Part {...props} depth={depth + 1} label={t("form.value")} schema={current} />
    </Stack>
  );
}

function Leaf(props: InnerProps) {
  const { schema, value, onChange, pointer, errors, label, required = false, depth } = props;
  const id = useId();
  const kind = kindOf(schema, depth);
  // What was typed is checked when its field is left, not first when the form is sent.
  const [left, setLeft] = useState(false);
  const early = left && value !== undefined ? (check(schema, value, props.root)[""] ?? []) : [];
  const messages = [...new Set([...early, ...(errors[pointer] ?? [])])];
  const title = titleOf(schema, label);
  if (kind === "boolean") {
    return (
      <Labelled help={helpOf(schema)} id={id} label={null} messages={messages} required={required}>
        <Checkbox.Root
          checked={value === true}
          ids={{ hiddenInput: id }}
          invalid={messages.length > 0}
          onCheckedChange={({ checked }) => onChange(checked === true)}
        >
          <Checkbox.HiddenInput />
          <Checkbox.Control />
          <Checkbox.Label>{title}</Checkbox.Label>
        </Checkbox.Root>
      </Labelled>
    );
  }
  return (
    <Labelled help={helpOf(schema)} id={id} label={title} messages={messages} required={required}>
      <Control
        id={id}
        invalid={messages.length > 0}
        kind={kind}
        onBlur={() => afterPress(() => setLeft(true))}
        onChange={onChange}
        schema={schema}
        value={value}
      />
    </Labelled>
  );
}

type ControlProps = {
  id: string;
  kind: string;
  schema: Schema;
  value: unknown;
  onChange: (value: unknown) => void;
  invalid: boolean;
  onBlur: () => void;
};

const INPUT_TYPES: Record<string, string> = { date: "date", email: "email", uri: "url", time: "time" };

function Control({ id, kind, schema, value, onChange, invalid, onBlur }: ControlProps) {
  const about = {
    id,
    "aria-invalid": invalid,
    "aria-describedby": `${id}-about`,
    size: "sm" as const,
    onBlur,
  };
  if (kind === "enum") {
    const options = schema.enum as unknown[];
    return (
      <NativeSelect.Root invalid={invalid} size="sm">
        <NativeSelect.Field
          aria-describedby={`${id}-about`}
          id={id}
          onChange={(event) =>
            onChange(event.target.value === "" ? undefined : options[Number(event.target.value)])
          }
          value={value === undefined ? "" : String(options.findIndex((each) => same(each, value)))}
        >
          <option value="">–</option>
          {options.map((each, index) => (
            <option key={JSON.stringify(each)} value={String(index)}>
              {typeof each === "string" ? each : JSON.stringify(each)}
            </option>
          ))}
        </NativeSelect.Field>
        <NativeSelect.Indicator />
      </NativeSelect.Root>
    );
  }
  if (kind === "const") return <Input {...about} readOnly value={JSON.stringify(schema.const)} />;
  if (kind === "number" || kind === "integer")
    return <NumberInput about={about} kind={kind} onChange={onChange} value={value} />;
  const text =
    typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
  const change = (typed: string) => onChange(typed === "" ? undefined : typed);
  if (kind === "text")
    return <Textarea {...about} onChange={(event) => change(event.target.value)} rows={4} value={text} />;
  const secret = schema.writeOnly === true || schema.format === "password";
  return (
    <Input
      {...about}
      autoComplete="off"
      onChange={(event) => change(event.target.value)}
      placeholder={example(schema)}
      type={secret ? "password" : (INPUT_TYPES[String(schema.format)] ?? "text")}
      value={text}
    />
  );
}

function NumberInput({
  about,
  kind,
  value,
  onChange,
}: {
  about: object;
  kind: string;
  value: unknown;
  onChange: (value: unknown) => void;
}) {
  // What is typed is kept beside its value: "1." and "1e" are on their way to a number.
  const [typed, setTyped] = useState<string | null>(null);
  const shown =
    typed !== null && numberOf(typed) === value
      ? typed
      : value === undefined || value === null
        ? ""
        : String(value);
  return (
    <Input
      {...about}
      inputMode={kind === "integer" ? "numeric" : "decimal"}
      onChange={(event) => {
        setTyped(event.target.value);
        onChange(numberOf(event.target.value));
      }}
      value={shown}
    />
  );
}

/** The number that was typed; what is none stays a text, and the server says what is wrong with it. */
export function numberOf(typed: string): unknown {
  const text = typed.trim();
  if (text === "") return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

function JsonPart(props: InnerProps) {
  const { schema, value, onChange, pointer, errors, label, required = false } = props;
  const id = useId();
  const [typed, setTyped] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const bad = value instanceof Unreadable ? [t("form.notJson")] : [];
  const messages = [...new Set([...bad, ...(errors[pointer] ?? [])])];
  return (
    <Labelled
      help={helpOf(schema) ?? t("form.json")}
      id={id}
      label={titleOf(schema, label)}
      messages={messages}
      required={required}
    >
      <Textarea
        aria-describedby={`${id}-about`}
        aria-invalid={messages.length > 0}
        fontFamily="mono"
        id={id}
        onChange={(event) => {
          const text = event.target.value;
          setTyped(text);
          try {
            onChange(text.trim() === "" ? undefined : JSON.parse(text));
          } catch {
            onChange(new Unreadable(text));
          }
        }}
        rows={5}
        size="sm"
        value={typed}
      />
    </Labelled>
  );
}

function Problems({ messages }: { messages: readonly string[] }) {
  return messages.map((message) => (
    <Text color="fg.error" fontSize="xs" key={message} role="alert">
      {message}
    </Text>
  ));
}

function example(schema: Schema): string | undefined {
  const first = Array.isArray(schema.examples) ? schema.examples[0] : undefined;
  return typeof first === "string" ? first : undefined;
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
