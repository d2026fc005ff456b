/* The entry point: DuckDB calls it once for each database that loads the extension. */
#include <string.h>

#include "adql.h"
#include "duckdb_api.h"
#include "functions.h"

#define SED_DUCKDB_DEFINE(slot, returns, name, parameters) returns(*duckdb_##name) parameters;
SED_DUCKDB_CALLS(SED_DUCKDB_DEFINE)

/* DuckDB's struct is gone when the extension is loaded, so the pointers are copied out of it. */
static void take_calls(void *const *slots)
{
#define SED_DUCKDB_TAKE(slot, returns, name, parameters) memcpy(&duckdb_##name, &slots[slot], sizeof(void *));
    SED_DUCKDB_CALLS(SED_DUCKDB_TAKE)
}

static void native_version(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    idx_t rows = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < rows; row++)
        duckdb_vector_assign_string_element(output, row, SED_VERSION);
}

static bool register_version(duckdb_connection connection)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type varchar = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_scalar_function_set_name(function, "sed_native_version");
    duckdb_scalar_function_set_return_type(function, varchar);
    duckdb_scalar_function_set_function(function, native_version);
    bool done = duckdb_register_scalar_function(connection, function) == DuckDBSuccess;
    duckdb_destroy_logical_type(&varchar);
    duckdb_destroy_scalar_function(&function);
    return done;
}

__attribute__((visibility("default"))) bool sedsql_init_c_api(duckdb_extension_info info,
                                                              struct duckdb_extension_access *access)
{
    const void *api = access->get_api(info, SED_DUCKDB_API_VERSION);
    if (!api)
        return false; /* DuckDB has set the error itself */
    take_calls(api);
    duckdb_connection connection;
    if (duckdb_connect(*access->get_database(info), &connection) != DuckDBSuccess) {
        access->set_error(info, "sedsql cannot connect to the database that loads it");
        return false;
    }
    bool done = register_version(connection) && adql_register(connection) && sed_register_functions(connection);
    duckdb_disconnect(&connection);
    if (!done)
        access->set_error(info, "sedsql's functions cannot be registered; is another version of it loaded?");
    return done;
}
