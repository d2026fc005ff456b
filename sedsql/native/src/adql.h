/* ADQL as a part of SQL: the macro adql(query) reads query(_sed_adql(query)). */
#ifndef SED_ADQL_H
#define SED_ADQL_H

#include "duckdb_api.h"

/* Registers _sed_adql(query) -> VARCHAR: the DuckDB SQL of an ADQL query. The translator is sedsql's Python, so
   the function runs `$SEDSQL_PYTHON -P -m sedsql.shell QUERY`, which answers for the mirror $SEDSQL_MIRROR. What is
   run comes from the environment alone: no query can choose it. */
bool adql_register(duckdb_connection connection);

#endif
