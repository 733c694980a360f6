import { Button } from "@chakra-ui/react";
import { Component, type ErrorInfo, type ReactNode } from "react";
import { Notice } from "src/parts/Notice";

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
        title="This view could not be shown"
        tone="error"
        action={
          <Button onClick={() => this.setState({ message: null })} size="xs" variant="outline">
            Try again
          </Button>
        }
      >
        {this.state.message}
      </Notice>
    );
  }
}
