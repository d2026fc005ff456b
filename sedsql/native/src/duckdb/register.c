#include "duckdb/register.h"

duckdb_scalar_function begin_function(const char *name, duckdb_logical_type returns, duckdb_scalar_function_t run)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, name);
    duckdb_scalar_function_set_return_type(function, returns);
    duckdb_scalar_function_set_function(function, run);
    duckdb_destroy_logical_type(&returns);
    return function;
}

void add_arguments(duckdb_scalar_function function, duckdb_logical_type type, int times)
{
    for (int k = 0; k < times; k++)
        duckdb_scalar_function_add_parameter(function, type);
    duckdb_destroy_logical_type(&type);
}

bool finish_function(duckdb_scalar_function function, duckdb_connection connection)
{
    bool done = duckdb_register_scalar_function(connection, function) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&function);
    return done;
}
