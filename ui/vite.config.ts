import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

// What is the same for the app, for the editor that is loaded on demand, and for the tests; build.mjs adds the rest.
export default defineConfig({
  resolve: { alias: { src: resolve(import.meta.dirname, "src") } },
  esbuild: { jsx: "automatic", legalComments: "none" },
  define: { __EDITOR_FILE__: JSON.stringify("") },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/testing/setup.ts"],
    restoreMocks: true,
    // A busy machine is no failure.
    testTimeout: 60_000,
  },
});
