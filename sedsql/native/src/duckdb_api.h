/* DuckDB's C API as an extension sees it: types, and for each call of duckdb_calls.h a pointer duckdb_NAME to it. */
#ifndef SED_DUCKDB_API_H
#define SED_DUCKDB_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "duckdb_calls.h"

#define SED_DUCKDB_API_VERSION "v1.2.0"

typedef uint64_t idx_t;
typedef enum { DuckDBSuccess = 0, DuckDBError = 1 } duckdb_state;

/* A column's type; those that are used. */
typedef enum {
    DUCKDB_TYPE_INVALID = 0,
    DUCKDB_TYPE_BOOLEAN = 1,
    DUCKDB_TYPE_INTEGER = 4,
    DUCKDB_TYPE_BIGINT = 5,
    DUCKDB_TYPE_UBIGINT = 9,
    DUCKDB_TYPE_FLOAT = 10,
    DUCKDB_TYPE_DOUBLE = 11,
    DUCKDB_TYPE_VARCHAR = 17,
    DUCKDB_TYPE_LIST = 24,
    DUCKDB_TYPE_STRUCT = 25,
    DUCKDB_TYPE_ARRAY = 33,
    DUCKDB_TYPE_ANY = 34,
    DUCKDB_TYPE_SQLNULL = 36
} duckdb_type;

/* What only DuckDB looks into. */
typedef struct sed_opaque_database *duckdb_database;
typedef struct sed_opaque_connection *duckdb_connection;
typedef struct sed_opaque_logical_type *duckdb_logical_type;
typedef struct sed_opaque_value *duckdb_value;
typedef struct sed_opaque_data_chunk *duckdb_data_chunk;
typedef struct sed_opaque_vector *duckdb_vector;
typedef struct sed_opaque_scalar_function *duckdb_scalar_function;
typedef struct sed_opaque_scalar_function_set *duckdb_scalar_function_set;
typedef struct sed_opaque_table_function *duckdb_table_function;
typedef struct sed_opaque_function_info *duckdb_function_info;
typedef struct sed_opaque_bind_info *duckdb_bind_info;
typedef struct sed_opaque_init_info *duckdb_init_info;
typedef struct sed_opaque_extension_info *duckdb_extension_info;

/* Of a query's answer only its error is asked, by duckdb_result_error. */
typedef struct {
    uint64_t counts[3];
    void *parts[3];
} duckdb_result;

/* A cell of a VARCHAR column: up to 12 bytes stand in it, of longer ones the first four and where all of them are. */
typedef struct {
    union {
        struct {
            uint32_t length;
            char prefix[4];
            char *ptr;
        } pointer;
        struct {
            uint32_t length;
            char inlined[12];
        } inlined;
    } value;
} duckdb_string_t;

/* A cell of a LIST column: which rows of its child it has. */
typedef struct {
    uint64_t offset, length;
} duckdb_list_entry;

typedef void (*duckdb_delete_callback_t)(void *data);
typedef void (*duckdb_scalar_function_t)(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output);
typedef void (*duckdb_table_function_bind_t)(duckdb_bind_info info);
typedef void (*duckdb_table_function_init_t)(duckdb_init_info info);
typedef void (*duckdb_table_function_t)(duckdb_function_info info, duckdb_data_chunk output);

/* What DuckDB hands the extension's entry point. */
struct duckdb_extension_access {
    void (*set_error)(duckdb_extension_info info, const char *error);
    duckdb_database *(*get_database)(duckdb_extension_info info);
    const void *(*get_api)(duckdb_extension_info info, const char *version);
};

#define SED_DUCKDB_DECLARE(slot, returns, name, parameters) extern returns(*duckdb_##name) parameters;
SED_DUCKDB_CALLS(SED_DUCKDB_DECLARE)
#undef SED_DUCKDB_DECLARE

static inline uint32_t string_length(const duckdb_string_t *string)
{
    return string->value.inlined.length;
}

static inline const char *string_data(const duckdb_string_t *string)
{
    return string_length(string) <= sizeof string->value.inlined.inlined ? string->value.inlined.inlined
                                                                         : string->value.pointer.ptr;
}

/* Whether a row is there; `validity` is NULL where all are. */
static inline bool row_is_valid(const uint64_t *validity, idx_t row)
{
    return !validity || (validity[row / 64] >> (row % 64) & 1);
}

#endif
