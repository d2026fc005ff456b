/* DuckDB's C API as this extension sees it: its types, and a pointer duckdb_NAME for each call of calls.h. */
#ifndef SED_DUCKDB_API_H
#define SED_DUCKDB_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "duckdb/calls.h"

#define SED_DUCKDB_API_VERSION "v1.2.0"

typedef uint64_t idx_t;
typedef enum { DuckDBSuccess = 0, DuckDBError = 1 } duckdb_state;

/* Types of columns; only those that are used. */
typedef enum {
    DUCKDB_TYPE_INVALID = 0,
    DUCKDB_TYPE_INTEGER = 4,
    DUCKDB_TYPE_FLOAT = 10,
    DUCKDB_TYPE_DOUBLE = 11,
    DUCKDB_TYPE_VARCHAR = 17
} duckdb_type;

/* Structs that DuckDB keeps to itself. */
typedef struct sed_opaque_database *duckdb_database;
typedef struct sed_opaque_connection *duckdb_connection;
typedef struct sed_opaque_logical_type *duckdb_logical_type;
typedef struct sed_opaque_data_chunk *duckdb_data_chunk;
typedef struct sed_opaque_vector *duckdb_vector;
typedef struct sed_opaque_scalar_function *duckdb_scalar_function;
typedef struct sed_opaque_function_info *duckdb_function_info;
typedef struct sed_opaque_extension_info *duckdb_extension_info;

/* A cell of a VARCHAR column. It holds a text of up to 12 bytes, or the first four bytes and a pointer. */
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

/* A cell of a LIST column: the rows of the child that the list holds. */
typedef struct {
    uint64_t offset, length;
} duckdb_list_entry;

typedef void (*duckdb_delete_callback_t)(void *data);
typedef void (*duckdb_scalar_function_t)(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output);

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

#endif
