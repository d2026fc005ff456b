// node wasm.cjs MODULES FILE.duckdb SQL: the rows of a query on a database, as JSON, by DuckDB-Wasm, as in a browser.
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

async function main([modules, file, sql]) {
  const of = createRequire(`${modules}/`);
  const duckdb = of("@duckdb/duckdb-wasm/blocking");
  const dist = path.dirname(of.resolve("@duckdb/duckdb-wasm/blocking"));
  const bundle = (kind) => ({
    mainModule: path.join(dist, `duckdb-${kind}.wasm`),
    mainWorker: path.join(dist, `duckdb-node-${kind}.worker.cjs`),
  });
  const bundles = { mvp: bundle("mvp"), eh: bundle("eh") };
  const db = await duckdb.createDuckDB(bundles, new duckdb.VoidLogger(), duckdb.NODE_RUNTIME);
  await db.instantiate(() => {});
  db.registerFileBuffer("sed.duckdb", new Uint8Array(fs.readFileSync(file)));
  db.open({ path: "sed.duckdb", accessMode: duckdb.DuckDBAccessMode.READ_ONLY });
  const rows = db.connect().query(sql).toArray();
  console.log(JSON.stringify(rows.map((row) => Object.values(row.toJSON()))));
}

main(process.argv.slice(2));
