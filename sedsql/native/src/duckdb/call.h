/* A call of a function on the rows of a chunk for which it asks one model. */
#ifndef SED_DUCKDB_CALL_H
#define SED_DUCKDB_CALL_H

#include "duckdb/api.h"
#include "model/evaluate.h"

enum { MOST_ARGUMENTS = 2 };

typedef struct {
    evaluation rows;
    const void *arguments[MOST_ARGUMENTS]; /* the function's own: labels or numbers */
    const uint64_t *argument_validity[MOST_ARGUMENTS];
    duckdb_vector output;
    failure *error;
} call;

#endif
