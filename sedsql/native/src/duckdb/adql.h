/* ADQL inside SQL: the macro adql(query) stands for query(_sed_adql(query)). */
#ifndef SED_DUCKDB_ADQL_H
#define SED_DUCKDB_ADQL_H

#include "duckdb/api.h"

/* Register _sed_adql(query) -> VARCHAR, which translates an ADQL query to DuckDB's SQL. The translator is written in
   Python, so the function runs `$SEDSQL_PYTHON -P -m sedsql.integrations.duckdb_shell QUERY`, which translates for the
   mirror $SEDSQL_MIRROR. The environment alone says what is run: no query can choose it. */
bool register_adql(duckdb_connection connection);

#endif
