import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// Airflow's page says where it is served; here below a path of its own.
const base = document.createElement("base");
base.href = "http://airflow.test/prefix/";
document.head.append(base);

configure({ asyncUtilTimeout: 30_000 });

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});
