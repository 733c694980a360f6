import { Link } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Link as RouterLink } from "react-router-dom";

type Props = {
  to: string;
  children: ReactNode;
  /** Whether it stands within a sentence, where colour alone does not tell it. */
  inText?: boolean;
};

/** A link to another of Airflow's pages. */
export function AppLink({ to, children, inText = false }: Props) {
  return (
    <Link
      asChild
      color="fg.info"
      display="inline"
      overflowWrap="anywhere"
      variant={inText ? "underline" : "plain"}
      whiteSpace="normal"
    >
      <RouterLink to={to}>{children}</RouterLink>
    </Link>
  );
}
