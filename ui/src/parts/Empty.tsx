import { EmptyState, VStack } from "@chakra-ui/react";
import type { ReactNode } from "react";

/** Nothing to show, and what would put something here. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <EmptyState.Root size="sm">
      <EmptyState.Content>
        <VStack gap={1} textAlign="center">
          <EmptyState.Title>{title}</EmptyState.Title>
          {children === undefined ? null : <EmptyState.Description>{children}</EmptyState.Description>}
        </VStack>
      </EmptyState.Content>
    </EmptyState.Root>
  );
}
