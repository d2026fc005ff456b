#include "duckdb/model_functions.h"

#include <stdlib.h>

#include "duckdb/register.h"
#include "duckdb/types.h"
#include "duckdb/vectors.h"
#include "model/registry.h"

/* sed_models(key, default, folders): make models known under a key; give the number of folders. */
static void run_models(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    texts keys = texts_at(input, 0), defaults = texts_at(input, 1);
    duckdb_vector lists = duckdb_data_chunk_get_vector(input, 2);
    const duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    texts names = texts_of(duckdb_list_vector_get_child(lists));
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        failure error = {"sed_models takes a key, the name of the default model, and a list of folders."};
        bool given = row_is_valid(keys.validity, row) && row_is_valid(defaults.validity, row) &&
                     row_is_valid(duckdb_vector_get_validity(lists), row);
        idx_t n = given ? entries[row].length : 0;
        text *folders = malloc((n + 1) * sizeof *folders);
        for (idx_t k = 0; folders && k < n; k++)
            folders[k] = text_at(names, entries[row].offset + k);
        bool added = given && folders && registry_add(text_at(keys, row), text_at(defaults, row), folders, n, &error);
        free(folders);
        if (!added) {
            duckdb_scalar_function_set_error(info, error.text);
            return;
        }
        ((int32_t *)duckdb_vector_get_data(output))[row] = (int32_t)n;
    }
}

/* sed_refused(model, key): say why a model does not run here; NULL where it runs. */
static void run_refused(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    (void)info;
    texts names = texts_at(input, 0), keys = texts_at(input, 1);
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        failure error = {"No models are known under this key."};
        model_set *set = registry_find(text_at(keys, row));
        if (set && registry_model(set, text_at(names, row), &error))
            put_null(output, row);
        else
            duckdb_vector_assign_string_element(output, row, error.text);
    }
}

bool register_model_functions(duckdb_connection connection)
{
    duckdb_scalar_function f = begin_function("sed_models", type_integer(), run_models);
    duckdb_scalar_function_set_special_handling(f);
    duckdb_scalar_function_set_volatile(f);
    add_arguments(f, type_text(), 2);
    add_arguments(f, type_texts(), 1);
    bool done = finish_function(f, connection);

    f = begin_function("sed_refused", type_text(), run_refused);
    duckdb_scalar_function_set_special_handling(f);
    duckdb_scalar_function_set_volatile(f);
    add_arguments(f, type_text(), 2);
    return finish_function(f, connection) && done;
}
