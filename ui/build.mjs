// Builds what the browser loads into OUT: the app as one UMD file that takes React and Chakra UI from Airflow's page,
// and the workbench with its text editor as a second one, loaded when somebody edits. manifest.json names both.
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

// What the workbench takes from the app, which is on the page before it. A module that both files had would be loaded
// twice, and have its state twice: the language, contexts of React.
const SHARED = [
  "src/api/client",
  "src/forms/Labelled",
  "src/forms/SchemaForm",
  "src/forms/schema",
  "src/graph/GraphView",
  "src/graph/states",
  "src/parts/Choice",
  "src/parts/DownloadButton",
  "src/parts/FailureNotice",
  "src/parts/JsonView",
  "src/parts/LabelledValues",
  "src/parts/Notice",
  "src/parts/StatusBadge",
  "src/texts",
];
const shared = (name) => `WorkflowsShared.${name.replace(/\W/g, "_")}`;

// The module with which the app offers them.
const offering = {
  name: "offering",
  resolveId: (id) => (id === "virtual:shared" ? `\0${id}` : null),
  load: (id) =>
    id === "\0virtual:shared"
      ? [
          ...SHARED.map((name, index) => `import * as m${index} from ${JSON.stringify(name)};`),
          "globalThis.WorkflowsShared = {};",
          ...SHARED.map((name, index) => `globalThis.${shared(name)} = m${index};`),
        ].join("\n")
      : null,
};

// Our modules that a file has, so that none is in both.
const modules = {};
const noting = (file) => ({
  name: "noting",
  generateBundle: (_, files) => {
    modules[file] = Object.values(files)
      .flatMap((each) => Object.keys(each.modules ?? {}))
      .filter((id) => id.startsWith(resolve("src")) && !id.includes("?"));
  },
});

// Both are UMD: Vite leaves the spaces in modules of libraries.
function library(entry, file, name, more) {
  return {
    logLevel: "warn",
    define: { ...production, ...more.define },
    plugins: [offering, noting(file)],
    build: {
      outDir: out,
      emptyOutDir: more.empty ?? false,
      target: "es2022",
      minify: "terser",
      copyPublicDir: more.empty ?? false,
      lib: { entry: resolve(import.meta.dirname, entry), formats: ["umd"], name },
      rollupOptions: {
        external: [...Object.keys(globals), ...(more.external ?? [])],
        output: {
          entryFileNames: `${file}-[hash].js`,
          globals: { ...globals, ...Object.fromEntries(SHARED.map((name) => [name, shared(name)])) },
        },
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
await build(library("src/editor/main.ts", "editor", "WorkflowsEditor", { empty: true, external: SHARED }));
const editor = await built("editor");
await build(
  library("src/main.tsx", "main", "AirflowPlugin", { define: { __EDITOR_FILE__: JSON.stringify(editor) } }),
);
const twice = modules.editor.filter((id) => modules.main.includes(id));
if (twice.length > 0) throw new Error(`name these in SHARED, they are in both files: ${twice.join(", ")}`);
const files = { main: await built("main"), editor };
await writeFile(join(out, "manifest.json"), `${JSON.stringify(files)}\n`);
for (const file of Object.values(files)) {
  const bytes = await readFile(join(out, file));
  process.stdout.write(`${file}: ${bytes.length} bytes, ${gzipSync(bytes).length} gzipped\n`);
}
