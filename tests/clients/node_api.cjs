// node node_api.cjs MODULES FILE.duckdb SQL: the rows of a query on a database, as JSON, by DuckDB's client for Node.
const { createRequire } = require("node:module");

async function main([modules, file, sql]) {
  const { DuckDBInstance } = createRequire(`${modules}/`)("@duckdb/node-api");
  const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" });
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql);
  console.log(JSON.stringify(reader.getRowsJson()));
}

main(process.argv.slice(2));
