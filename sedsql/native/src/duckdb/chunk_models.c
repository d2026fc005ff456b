#include "duckdb/chunk_models.h"

#include <stdlib.h>

#include "duckdb/vectors.h"
#include "model/registry.h"

static bool all_same(texts column, idx_t rows)
{
    text first = text_at(column, 0);
    for (idx_t row = 1; row < rows; row++)
        if (!same(text_at(column, row), first))
            return false;
    return true;
}

/* Use the set's model of each name for the rows that have it; `rows` and `done` are memory for n rows. */
static bool for_each_name(model_set *set, texts names, idx_t n, uint32_t *rows, bool *done, use_model *use, void *user,
                          failure *error)
{
    for (idx_t first = 0; first < n; first++) {
        if (done[first])
            continue;
        uint32_t found = 0;
        text name = text_at(names, first);
        for (idx_t row = first; row < n; row++)
            if (!done[row] && same(text_at(names, row), name)) {
                done[row] = true;
                rows[found++] = (uint32_t)row;
            }
        model *m = registry_model(set, name, error);
        if (!m || !use(user, m, rows, found, error))
            return false;
    }
    return true;
}

bool for_each_model(duckdb_data_chunk input, use_model *use, void *user, failure *error)
{
    idx_t columns = duckdb_data_chunk_get_column_count(input), n = duckdb_data_chunk_get_size(input);
    texts names = texts_at(input, columns - 2), keys = texts_at(input, columns - 1);
    if (!n)
        return true;
    model_set *set = registry_find(text_at(keys, 0));
    if (!set || !all_same(keys, n))
        return fail(error, "No models are known under this key; sed_models(key, default, folders) makes them known.");
    if (all_same(names, n)) {
        model *m = registry_model(set, text_at(names, 0), error);
        return m && use(user, m, NULL, (uint32_t)n, error);
    }
    uint32_t *rows = malloc(n * sizeof *rows);
    bool *done = calloc(n, sizeof *done);
    bool fine = rows && done ? for_each_name(set, names, n, rows, done, use, user, error)
                             : fail(error, "No memory for the rows of several models.");
    free(rows);
    free(done);
    return fine;
}
