/* Writing into DuckDB's vectors. */
#ifndef SED_VECTORS_H
#define SED_VECTORS_H

#include "duckdb_api.h"
#include "text.h"

static inline void put_null(duckdb_vector vector, idx_t row)
{
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}

static inline void put_double(duckdb_vector vector, idx_t row, double number)
{
    ((double *)duckdb_vector_get_data(vector))[row] = number;
}

/* A cell that points to a text which stays where it is: DuckDB then need not copy it. */
static inline duckdb_string_t lasting(text value)
{
    duckdb_string_t cell = {0};
    cell.value.inlined.length = (uint32_t)value.size;
    if (value.size <= sizeof cell.value.inlined.inlined) {
        memcpy(cell.value.inlined.inlined, value.data, value.size);
    } else {
        memcpy(cell.value.pointer.prefix, value.data, sizeof cell.value.pointer.prefix);
        cell.value.pointer.ptr = (char *)value.data;
    }
    return cell;
}

static inline void put_text(duckdb_vector vector, idx_t row, text value)
{
    ((duckdb_string_t *)duckdb_vector_get_data(vector))[row] = lasting(value);
}

/* Room for `length` more rows of the lists' child; gives the first of them. */
static inline idx_t more_of_lists(duckdb_vector lists, idx_t length)
{
    idx_t offset = duckdb_list_vector_get_size(lists);
    duckdb_list_vector_reserve(lists, offset + length);
    duckdb_list_vector_set_size(lists, offset + length);
    return offset;
}

/* Makes the list of a row, with room for `length` more of its child's rows; gives the first of them. */
static inline idx_t put_list(duckdb_vector vector, idx_t row, idx_t length)
{
    idx_t offset = more_of_lists(vector, length);
    ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] = (duckdb_list_entry){offset, length};
    return offset;
}

#endif
