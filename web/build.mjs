// Bundle the page into a folder: index.html, and files whose names have a hash of what is in them.
import { build } from "esbuild";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { licences } from "./licences.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const target = process.argv[2] ?? join(here, "..", "sedsql", "service", "explore", "page");
const beside = `${target}.partial`;

const options = {
  absWorkingDir: here,
  outdir: beside,
  bundle: true,
  minify: !process.env.PLAIN,
  format: "esm",
  target: ["chrome111", "firefox115", "safari16.4"],
  legalComments: "none",
};

await rm(beside, { recursive: true, force: true });
await mkdir(beside, { recursive: true });
const { metafile } = await build({
  ...options,
  entryPoints: ["src/main.ts", "src/style/page.css", "src/icon.svg"],
  entryNames: "[name]-[hash]",
  loader: { ".svg": "copy" },
  metafile: true,
});
// Jupyter reads the widget's files by name.
await build({ ...options, entryPoints: { widget: "src/widget.ts" } });
await build({ ...options, entryPoints: { widget: "src/style/page.css" } });
const made = Object.keys(metafile.outputs).map((path) => basename(path));
const named = (ending) => made.find((name) => name.endsWith(ending));
let html = await readFile(join(here, "src", "index.html"), "utf-8");
for (const [word, ending] of [["SCRIPT", ".js"], ["STYLE", ".css"], ["ICON", ".svg"]]) {
  html = html.replace(word, named(ending));
}
await writeFile(join(beside, "index.html"), html);
await writeFile(join(beside, "licences.txt"), await licences(Object.keys(metafile.inputs), here));
await rm(target, { recursive: true, force: true });
await rename(beside, target);
