import { Input } from "@chakra-ui/react";
import { useId, useState } from "react";
import { useLive } from "src/api/polling";
import type { DefinitionPage } from "src/api/schema.gen";
import { t } from "src/texts";

type Props = { value: string; onChange: (workflowId: string) => void };

/** Chooses a workflow, however many there are: the server looks for what is typed. */
export function WorkflowPicker({ value, onChange }: Props) {
  const [typed, setTyped] = useState<string | null>(null);
  const id = useId();
  const found = useLive<DefinitionPage>("/definitions", {
    query: { search: typed ?? "", limit: 50 },
    enabled: typed !== null,
  });
  const items = found.data?.items ?? [];
  const choose = (text: string) => {
    setTyped(null);
    if (text !== value) onChange(text);
  };
  return (
    <>
      <Input
        aria-label={t("common.workflow")}
        list={id}
        maxW="xs"
        onBlur={() => typed !== null && choose(typed.trim())}
        onChange={({ target }) => {
          // A suggestion that is taken counts at once; what is typed counts with Enter, or when the field is left.
          if (target.value === "" || items.some((each) => each.workflowId === target.value))
            choose(target.value);
          else setTyped(target.value);
        }}
        onFocus={() => setTyped(value)}
        onKeyDown={({ key }) => key === "Enter" && typed !== null && choose(typed.trim())}
        placeholder={t("instances.allWorkflows")}
        size="sm"
        value={typed ?? value}
        w="auto"
      />
      <datalist id={id}>
        {items.map((each) => (
          <option key={each.workflowId} value={each.workflowId}>
            {each.name}
          </option>
        ))}
      </datalist>
    </>
  );
}
