// Builds what the browser loads into OUT: the app as one UMD file that takes React and Chakra UI from Airflow's page,
// and the text editor as a second one, loaded when somebody edits. manifest.json names both.
// Usage: node build.mjs OUT
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const out = resolve(process.argv[2]);
const production = { "process.env.NODE_ENV": JSON.stringify("production") };
const globals = {
  react: "React",
  "react-dom": "ReactDOM",
  "react/jsx-runtime": "ReactJSXRuntime",
  "react-router-dom": "ReactRouterDOM",
  "@chakra-ui/react": "ChakraUI",
};

// Both are UMD: Vite leaves the spaces in modules of libraries.
function library(entry, file, name, more) {
  return {
    logLevel: "warn",
    define: { ...production, ...more.define },
    build: {
      outDir: out,
      emptyOutDir: more.empty ?? false,
      target: "es2022",
      minify: "terser",
      copyPublicDir: more.empty ?? false,
      lib: { entry: resolve(import.meta.dirname, entry), formats: ["umd"], name },
      rollupOptions: {
        external: Object.keys(globals),
        output: { entryFileNames: `${file}-[hash].js`, globals },
      },
    },
  };
}

async function built(name) {
  const found = (await readdir(out)).filter((file) => file.startsWith(`${name}-`) && file.endsWith(".js"));
  if (found.length !== 1)
    throw new Error(`expected one ${name}-….js in ${out}, found ${found.join(", ") || "none"}`);
  return found[0];
}

process.chdir(import.meta.dirname);
await build(library("src/editor/main.ts", "editor", "WorkflowsEditor", { empty: true }));
const editor = await built("editor");
await build(
  library("src/main.tsx", "main", "AirflowPlugin", { define: { __EDITOR_FILE__: JSON.stringify(editor) } }),
);
const files = { main: await built("main"), editor };
await writeFile(join(out, "manifest.json"), `${JSON.stringify(files)}\n`);
for (const file of Object.values(files)) {
  const bytes = await readFile(join(out, file));
  process.stdout.write(`${file}: ${bytes.length} bytes, ${gzipSync(bytes).length} gzipped\n`);
}
