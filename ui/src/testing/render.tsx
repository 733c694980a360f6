import { ChakraProvider, defaultSystem } from "@chakra-ui/react";
import { type RenderResult, render } from "@testing-library/react";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router-dom";

/** Show something as Airflow does: with Chakra UI and a router around it. */
export function show(node: ReactNode, at = "/"): RenderResult {
  return render(
    <ChakraProvider value={defaultSystem}>
      <MemoryRouter initialEntries={[at]}>{node}</MemoryRouter>
    </ChakraProvider>,
  );
}
