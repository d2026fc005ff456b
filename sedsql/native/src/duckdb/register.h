/* Scalar functions, described to DuckDB and registered. */
#ifndef SED_DUCKDB_REGISTER_H
#define SED_DUCKDB_REGISTER_H

#include "duckdb/api.h"

/* Begin a function; its result's type is destroyed. A function that sees rows with a NULL must set special handling. */
duckdb_scalar_function begin_function(const char *name, duckdb_logical_type returns, duckdb_scalar_function_t run);

/* Add a number of arguments of one type, which is destroyed. */
void add_arguments(duckdb_scalar_function function, duckdb_logical_type type, int times);

/* Register the function, and destroy its description; false where DuckDB refuses it. */
bool finish_function(duckdb_scalar_function function, duckdb_connection connection);

#endif
