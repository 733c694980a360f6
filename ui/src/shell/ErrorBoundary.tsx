import { Button } from "@chakra-ui/react";
import { Component, type ErrorInfo, type ReactNode } from "react";
import { Notice } from "src/parts/Notice";
import { t } from "src/texts";

type Props = { children: ReactNode };
type State = { message: string | null };

/** Shows what failed instead of nothing, and lets it be tried again. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { message: null };

  static getDerivedStateFromError(error: unknown): State {
    return { message: error instanceof Error ? error.message : String(error) };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    console.error("The workflows view failed", error, info.componentStack);
  }

  override render(): ReactNode {
    if (this.state.message === null) return this.props.children;
    return (
      <Notice
        title={t("failure.view")}
        tone="error"
        action={
          <Button onClick={() => this.setState({ message: null })} size="xs" variant="outline">
            {t("common.tryAgain")}
          </Button>
        }
      >
        {this.state.message}
      </Notice>
    );
  }
}
