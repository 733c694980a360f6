import { Button, List } from "@chakra-ui/react";
import { airflowUrl, type Failure } from "src/api/client";
import { Notice } from "src/parts/Notice";

const TITLES: Record<number, string> = {
  [-1]: "Something unexpected happened",
  0: "Airflow cannot be reached",
  401: "You are signed out",
  403: "You may not do this",
  404: "There is nothing here",
  409: "This cannot be done now",
  412: "It was changed meanwhile",
  422: "This is not valid",
  503: "The database is away for the moment",
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
export function FailureNotice({ failure, stale = false, onRetry, retry = "Try again", title }: Props) {
  const heading = title ?? TITLES[failure.status] ?? `The server answered with ${failure.status}`;
  return (
    <Notice
      action={
        failure.signedOut ? <SignIn /> : onRetry ? <Retry label={retry} onRetry={onRetry} /> : undefined
      }
      title={heading}
      tone={failure.passing || failure.signedOut ? "warning" : "error"}
    >
      {failure.signedOut ? "Your session has ended. Sign in again to go on." : failure.detail}
      {failure.suggestion === null ? "" : ` ${sentence(failure.suggestion)}`}
      {failure.passing ? " It is tried again by itself." : ""}
      {stale ? " What is shown may be out of date." : ""}
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

function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return start.endsWith(".") ? start : `${start}.`;
}

function SignIn() {
  const next = encodeURIComponent(globalThis.location.href);
  return (
    <Button asChild size="xs" variant="outline">
      <a href={`${airflowUrl("api/v2/auth/login")}?next=${next}`}>Sign in</a>
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
