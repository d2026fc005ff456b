/* Which rows of a column have a value: a bit for each, as in DuckDB and Arrow. */
#ifndef SED_TEXT_VALIDITY_H
#define SED_TEXT_VALIDITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a row has a value; `validity` is NULL where all rows have one. */
static inline bool row_is_valid(const uint64_t *validity, uint64_t row)
{
    return !validity || (validity[row / 64] >> (row % 64) & 1);
}

#endif
