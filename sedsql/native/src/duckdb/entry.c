/* The extension's entry point, which DuckDB calls once for each database that loads it. */
#include <string.h>

#include "duckdb/adql.h"
#include "duckdb/answer_functions.h"
#include "duckdb/api.h"
#include "duckdb/model_functions.h"
#include "duckdb/register.h"
#include "duckdb/row_functions.h"
#include "duckdb/types.h"

#define SED_DUCKDB_DEFINE(slot, returns, name, parameters) returns(*duckdb_##name) parameters;
SED_DUCKDB_CALLS(SED_DUCKDB_DEFINE)

/* Copy the pointers out of DuckDB's struct, which is gone when the extension is loaded. */
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

/* The functions, their arguments and what they give; INTERFACE of sedsql/native/__init__.py is the same number. */
enum { INTERFACE = 1 };

static void native_interface(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++)
        ((int32_t *)duckdb_vector_get_data(output))[row] = INTERFACE;
}

static bool register_version(duckdb_connection connection)
{
    return finish_function(begin_function("sed_native_version", type_text(), native_version), connection) &&
           finish_function(begin_function("sed_native_interface", type_integer(), native_interface), connection);
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
    bool done = register_version(connection) && register_adql(connection) && register_row_functions(connection) &&
                register_answer_functions(connection) && register_model_functions(connection);
    duckdb_disconnect(&connection);
    if (!done)
        access->set_error(info, "sedsql's functions cannot be registered; is another version of it loaded?");
    return done;
}
