import { Link } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { Link as RouterLink } from "react-router-dom";

/** A link to another of Airflow's pages. */
export function AppLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link asChild color="fg.info" display="inline" overflowWrap="anywhere" whiteSpace="normal">
      <RouterLink to={to}>{children}</RouterLink>
    </Link>
  );
}
