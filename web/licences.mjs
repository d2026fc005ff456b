// The licences of the packages that the bundle has.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Give the licences of the packages whose files are among the paths. */
export async function licences(paths, folder) {
  const names = new Set(paths.flatMap((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []));
  const parts = [];
  for (const name of [...names].sort()) {
    const files = await readdir(join(folder, "node_modules", name));
    const file = files.find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`The package ${name} has no licence.`);
    parts.push(`${name}\n\n${await readFile(join(folder, "node_modules", name, file), "utf-8")}`);
  }
  return parts.join(`\n${"-".repeat(72)}\n\n`);
}
