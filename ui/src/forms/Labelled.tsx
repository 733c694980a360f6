import { Box, chakra, Stack, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";

type Props = {
  /** Of the control; what describes it has the id `<id>-about`. */
  id: string;
  label: string | null;
  help?: string | undefined;
  required?: boolean;
  messages?: readonly string[];
  children: ReactNode;
};

/** A control with its label, its help and what is wrong with it. */
export function Labelled({ id, label, help, required = false, messages = [], children }: Props) {
  return (
    <Stack gap={1}>
      {label === null ? null : (
        <chakra.label fontWeight="medium" htmlFor={id}>
          {label}
          {required ? (
            <chakra.span aria-hidden="true" color="fg.error">
              {" *"}
            </chakra.span>
          ) : null}
        </chakra.label>
      )}
      {children}
      <Box id={`${id}-about`}>
        {messages.map((message) => (
          <Text color="fg.error" fontSize="xs" key={message}>
            {message}
          </Text>
        ))}
        {help === undefined || help === "" ? null : (
          <Text color="fg.muted" fontSize="xs">
            {help}
          </Text>
        )}
      </Box>
    </Stack>
  );
}
