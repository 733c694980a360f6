import { Alert, Box, HStack } from "@chakra-ui/react";
import type { ReactNode } from "react";

type Props = {
  title: ReactNode;
  tone?: "info" | "warning" | "error" | "success";
  children?: ReactNode;
  action?: ReactNode;
};

/** Something to be told about what is below it. */
export function Notice({ title, tone = "info", children, action }: Props) {
  return (
    <Alert.Root
      alignItems="flex-start"
      role={tone === "error" ? "alert" : "status"}
      size="sm"
      status={tone}
      variant="surface"
    >
      <Alert.Indicator />
      <Alert.Content minW={0}>
        <Alert.Title>{title}</Alert.Title>
        {children === undefined ? null : (
          <Alert.Description as={Box} overflowWrap="anywhere">
            {children}
          </Alert.Description>
        )}
      </Alert.Content>
      {action === undefined ? null : <HStack>{action}</HStack>}
    </Alert.Root>
  );
}
