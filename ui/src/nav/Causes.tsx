import { Badge, Button, HStack, Stack, Text } from "@chakra-ui/react";
import type { Cause } from "src/api/schema.gen";
import type { Filter } from "src/nav/filter";
import { language, t } from "src/texts";

type Props = { causes: readonly Cause[]; filter: Filter; change: (changed: Partial<Filter>) => void };

const NONE: Partial<Filter> = { errorStepId: null, errorType: null, errorCode: null };

/** Why instances failed, each cause with its number; one that is pressed filters the list. */
export function Causes({ causes, filter, change }: Props) {
  if (causes.length === 0) return null;
  return (
    <Stack aria-label={t("causes.title")} as="section" gap={1}>
      <Text color="fg.muted" fontSize="xs">
        {t("causes.title")}
      </Text>
      <HStack as="ul" flexWrap="wrap" gap={1} listStyleType="none">
        {causes.map((cause) => (
          <li key={JSON.stringify([cause.workflowId, cause.stepId, cause.errorType, cause.errorCode])}>
            <One
              cause={cause}
              onPress={(on) => change(on ? filterOf(cause) : NONE)}
              pressed={isChosen(cause, filter)}
              withWorkflow={filter.workflowId === ""}
            />
          </li>
        ))}
      </HStack>
    </Stack>
  );
}

/** The filter that finds the instances of a cause. */
export function filterOf(cause: Cause): Partial<Filter> {
  return {
    workflowId: cause.workflowId,
    status: ["failed"],
    errorStepId: cause.stepId ?? "",
    errorType: cause.errorType ?? "",
    errorCode: cause.errorCode ?? "",
  };
}

/** A cause in words: "book: HttpError 404". */
export function wordsOf(cause: Pick<Cause, "stepId" | "errorType" | "errorCode">): string {
  const error = [cause.errorType, cause.errorCode].filter(Boolean).join(" ") || t("common.error");
  return cause.stepId === null ? error : t("causes.at", { step: cause.stepId, error });
}

function isChosen(cause: Cause, filter: Filter): boolean {
  const wanted = filterOf(cause);
  return (["workflowId", "errorStepId", "errorType", "errorCode"] as const).every(
    (name) => filter[name] === wanted[name],
  );
}

type OneProps = { cause: Cause; pressed: boolean; withWorkflow: boolean; onPress: (on: boolean) => void };

function One({ cause, pressed, withWorkflow, onPress }: OneProps) {
  return (
    <Button
      aria-pressed={pressed}
      colorPalette="failed"
      h="auto"
      maxW="full"
      onClick={() => onPress(!pressed)}
      py={1}
      size="xs"
      textAlign="start"
      variant={pressed ? "solid" : "outline"}
      whiteSpace="normal"
    >
      <Text as="span" overflowWrap="anywhere">
        {withWorkflow ? `${cause.workflowId} / ` : ""}
        {wordsOf(cause)}
      </Text>
      <Badge size="sm" variant={pressed ? "surface" : "subtle"}>
        {cause.count.toLocaleString(language())}
      </Badge>
    </Button>
  );
}
