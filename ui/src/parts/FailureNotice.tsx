import { Button, List } from "@chakra-ui/react";
import { airflowUrl, type Failure } from "src/api/client";
import { Notice } from "src/parts/Notice";
import { type TextKey, t } from "src/texts";

const TITLES: Record<number, TextKey> = {
  [-1]: "failure.unexpected",
  0: "failure.unreachable",
  401: "failure.signedOut",
  403: "failure.forbidden",
  404: "failure.missing",
  409: "failure.conflict",
  412: "failure.changed",
  422: "failure.invalid",
  503: "failure.away",
};

type Props = {
  failure: Failure;
  /** Whether something older is still shown below. */
  stale?: boolean;
  onRetry?: () => void;
  /** What the button for that says. */
  retry?: string;
  title?: string;
};

/** Why a request failed, and what to do about it. */
export function FailureNotice({
  failure,
  stale = false,
  onRetry,
  retry = t("common.tryAgain"),
  title,
}: Props) {
  const heading = title ?? headingOf(failure);
  return (
    <Notice
      action={
        failure.signedOut ? <SignIn /> : onRetry ? <Retry label={retry} onRetry={onRetry} /> : undefined
      }
      title={heading}
      tone={failure.passing || failure.signedOut ? "warning" : "error"}
    >
      {failure.signedOut ? t("failure.sessionEnded") : failure.detail}
      {failure.suggestion === null ? "" : ` ${sentence(failure.suggestion)}`}
      {failure.passing ? ` ${t("failure.retrying")}` : ""}
      {stale ? ` ${t("failure.stale")}` : ""}
      {failure.findings.length > 1 ? (
        <List.Root mt={1} ps={4}>
          {failure.findings.slice(0, 20).map((each) => (
            <List.Item key={`${each.pointer} ${each.message}`}>
              {each.pointer === "" ? "" : `${each.pointer}: `}
              {each.message}
            </List.Item>
          ))}
        </List.Root>
      ) : null}
    </Notice>
  );
}

function headingOf({ status }: Failure): string {
  const known = TITLES[status];
  return known === undefined ? t("failure.status", { status }) : t(known);
}

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return start.endsWith(".") ? start : `${start}.`;
}

function SignIn() {
  const next = encodeURIComponent(globalThis.location.href);
  return (
    <Button asChild size="xs" variant="outline">
      <a href={`${airflowUrl("api/v2/auth/login")}?next=${next}`}>{t("failure.signIn")}</a>
    </Button>
  );
}

function Retry({ label, onRetry }: { label: string; onRetry: () => void }) {
  return (
    <Button onClick={onRetry} size="xs" variant="outline">
      {label}
    </Button>
  );
}
