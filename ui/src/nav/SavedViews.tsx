import { Button, HStack, Input, NativeSelect } from "@chakra-ui/react";
import { type FormEvent, useState } from "react";
import { useLive } from "src/api/polling";
import type { Myself } from "src/api/schema.gen";
import { MAX_NAME, type SavedView, useSavedViews, viewOf, withView } from "src/nav/savedViews";
import { useFocused } from "src/parts/useFocused";
import { t } from "src/texts";

type Props = {
  /** The filter as it stands in the address. */
  address: string;
  /** Whether there is anything to save. */
  filtered: boolean;
  onChoose: (address: string) => void;
};

/** The user's own named filters: choose one, save the current one, rename and delete. */
export function SavedViews(props: Props) {
  const me = useLive<Myself>("/me");
  return me.data === null ? null : <Views {...props} key={me.data.id} user={me.data.id} />;
}

type Naming = "save" | "rename" | null;

function Views({ address, filtered, onChoose, user }: Props & { user: string }) {
  const [views, write] = useSavedViews(user);
  const [naming, setNaming] = useState<Naming>(null);
  const current = viewOf(views, address);
  const name = (wanted: string) => {
    const others = naming === "rename" ? views.filter((each) => each !== current) : views;
    write(
      withView(others, {
        name: wanted,
        address: naming === "rename" ? (current?.address ?? address) : address,
      }),
    );
    setNaming(null);
  };
  if (views.length === 0 && !filtered) return null;
  if (naming !== null) {
    return (
      <NameForm
        action={naming === "save" ? t("views.save") : t("views.rename")}
        known={views}
        onCancel={() => setNaming(null)}
        onName={name}
        start={naming === "rename" ? (current?.name ?? "") : ""}
      />
    );
  }
  return (
    <HStack flexWrap="wrap" gap={1}>
      {views.length === 0 ? null : (
        <Choice current={current} onChoose={(chosen) => onChoose(chosen.address)} views={views} />
      )}
      {current === null && filtered ? (
        <Button onClick={() => setNaming("save")} size="xs" variant="ghost">
          {t("views.saveThis")}
        </Button>
      ) : null}
      {current === null ? null : (
        <>
          <Button onClick={() => setNaming("rename")} size="xs" variant="ghost">
            {t("views.renameThis")}
          </Button>
          <Button onClick={() => write(views.filter((each) => each !== current))} size="xs" variant="ghost">
            {t("views.delete")}
          </Button>
        </>
      )}
    </HStack>
  );
}

type ChoiceProps = {
  views: readonly SavedView[];
  current: SavedView | null;
  onChoose: (view: SavedView) => void;
};

function Choice({ views, current, onChoose }: ChoiceProps) {
  return (
    <NativeSelect.Root size="xs" w="auto">
      <NativeSelect.Field
        aria-label={t("views.title")}
        maxW={60}
        onChange={(event) => {
          const chosen = views.find(({ name }) => name === event.target.value);
          if (chosen !== undefined) onChoose(chosen);
        }}
        value={current?.name ?? ""}
      >
        <option disabled value="">
          {t("views.title")}
        </option>
        {views.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </NativeSelect.Field>
      <NativeSelect.Indicator />
    </NativeSelect.Root>
  );
}

type NameProps = {
  action: string;
  start: string;
  known: readonly SavedView[];
  onName: (name: string) => void;
  onCancel: () => void;
};

function NameForm({ action, start, known, onName, onCancel }: NameProps) {
  const [typed, setTyped] = useState(start);
  const field = useFocused();
  const name = typed.trim();
  const replaces = name !== start && known.some((each) => each.name === name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name !== "") onName(name);
  };
  return (
    <form onSubmit={submit}>
      <HStack flexWrap="wrap" gap={1}>
        <Input
          aria-label={t("views.name")}
          maxLength={MAX_NAME}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={({ key }) => key === "Escape" && onCancel()}
          placeholder={t("views.name")}
          ref={field}
          size="xs"
          value={typed}
          w={48}
        />
        <Button disabled={name === ""} size="xs" type="submit" variant="outline">
          {replaces ? t("views.replace") : action}
        </Button>
        <Button onClick={onCancel} size="xs" variant="ghost">
          {t("common.cancel")}
        </Button>
      </HStack>
    </form>
  );
}
