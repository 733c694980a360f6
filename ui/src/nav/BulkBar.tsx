import { Button, HStack, Text } from "@chakra-ui/react";
import { useState } from "react";
import { Link } from "react-router-dom";
import type { InstanceSummary } from "src/api/schema.gen";
import { BulkDialog } from "src/nav/BulkDialog";
import { bodyOfFilter, type Filter } from "src/nav/filter";
import { paths } from "src/parts/paths";
import { language, t } from "src/texts";
import { OPERATIONS, type Operation } from "src/workflow/operations";

const OFFERED: readonly Operation[] = ["retry", "skip", "suspend", "resume", "cancel", "restart", "migrate"];

type Props = {
  chosen: readonly InstanceSummary[];
  filter: Filter;
  now: number;
  /** How many instances match the filter; null where that is not known. */
  total: number | null;
  clear: () => void;
  onChanged: () => void;
};

/** What can be done with the instances that were chosen, or with all that match the filter. */
export function BulkBar({ chosen, filter, now, total, clear, onChanged }: Props) {
  const [all, setAll] = useState<string | null>(null);
  const [operation, setOperation] = useState<Operation | null>(null);
  const key = JSON.stringify(filter);
  const everything = all === key;
  const number = everything ? total : chosen.length;
  if (!everything && chosen.length === 0) {
    return total === 0 ? null : (
      <HStack>
        <Button onClick={() => setAll(key)} size="xs" variant="outline">
          {total === null
            ? t("bulk.all")
            : t("bulk.allOf", { count: total, number: total.toLocaleString(language()) })}
        </Button>
      </HStack>
    );
  }
  const leave = () => {
    setAll(null);
    clear();
  };
  return (
    <HStack
      aria-label={t("bulk.operations")}
      bg="bg.muted"
      borderWidth="1px"
      flexWrap="wrap"
      gap={1}
      p={2}
      role="toolbar"
      rounded="md"
    >
      <Text aria-live="polite" fontWeight="medium" me={2}>
        {number === null
          ? t("bulk.allSelected")
          : t("bulk.selected", { count: number, number: number.toLocaleString(language()) })}
      </Text>
      {OFFERED.map((each) => (
        <Button
          colorPalette={OPERATIONS[each].danger ? "danger" : undefined}
          key={each}
          onClick={() => setOperation(each)}
          size="xs"
          variant="outline"
        >
          {t(OPERATIONS[each].title)}
        </Button>
      ))}
      {everything || chosen.length !== 2 ? null : <Compare chosen={chosen} />}
      <Button onClick={leave} size="xs" variant="ghost">
        {t("bulk.none")}
      </Button>
      {operation === null ? null : (
        <BulkDialog
          onChanged={onChanged}
          onClose={(finished) => {
            setOperation(null);
            if (finished) leave();
          }}
          operation={operation}
          wanted={everything ? { filter: bodyOfFilter(filter, now) } : { ids: chosen.map(({ id }) => id) }}
        />
      )}
    </HStack>
  );
}

function Compare({ chosen: [first, second] }: { chosen: readonly InstanceSummary[] }) {
  return (
    <Button asChild size="xs" variant="outline">
      <Link to={paths.compare(first?.id ?? "", second?.id)}>{t("compare.one")}</Link>
    </Button>
  );
}
