/* Reading from DuckDB's vectors, and writing into them. */
#ifndef SED_DUCKDB_VECTORS_H
#define SED_DUCKDB_VECTORS_H

#include "duckdb/api.h"
#include "text/text.h"
#include "text/validity.h"

/* A column of texts, such as the names of models. */
typedef struct {
    const duckdb_string_t *cells;
    const uint64_t *validity;
} texts;

static inline texts texts_of(duckdb_vector vector)
{
    return (texts){duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)};
}

static inline texts texts_at(duckdb_data_chunk input, idx_t column)
{
    return texts_of(duckdb_data_chunk_get_vector(input, column));
}

/* The text of a row; one without data where it is NULL. */
static inline text text_at(texts column, idx_t row)
{
    if (!row_is_valid(column.validity, row))
        return (text){0};
    return (text){string_data(column.cells + row), string_length(column.cells + row)};
}

static inline void put_null(duckdb_vector vector, idx_t row)
{
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}

static inline void put_double(duckdb_vector vector, idx_t row, double number)
{
    ((double *)duckdb_vector_get_data(vector))[row] = number;
}

/* A cell that points to a text which stays where it is, so that DuckDB need not copy it. */
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

/* Add `length` rows to the child of a LIST column; give the first of them. */
static inline idx_t more_of_lists(duckdb_vector lists, idx_t length)
{
    idx_t offset = duckdb_list_vector_get_size(lists);
    duckdb_list_vector_reserve(lists, offset + length);
    duckdb_list_vector_set_size(lists, offset + length);
    return offset;
}

/* Make the list of a row out of `length` new rows of the child; give the first of them. */
static inline idx_t put_list(duckdb_vector vector, idx_t row, idx_t length)
{
    idx_t offset = more_of_lists(vector, length);
    ((duckdb_list_entry *)duckdb_vector_get_data(vector))[row] = (duckdb_list_entry){offset, length};
    return offset;
}

#endif
