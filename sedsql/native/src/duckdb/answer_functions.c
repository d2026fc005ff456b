#include "duckdb/answer_functions.h"

#include "duckdb/chunk_models.h"
#include "duckdb/register.h"
#include "duckdb/types.h"
#include "duckdb/vectors.h"
#include "duckdb/write.h"
#include "model/answers.h"

typedef struct {
    duckdb_data_chunk input;
    duckdb_vector output;
    write_from_probabilities *write;
} answer_call;

static bool use_labels(void *user, model *m, const uint32_t *rows, uint32_t n, failure *error)
{
    answer_call *a = user;
    texts labels = texts_at(a->input, 0);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = rows ? rows[k] : k;
        if (!row_is_valid(labels.validity, row)) {
            put_null(a->output, row);
            continue;
        }
        int32_t place = place_of_label(&m->card, text_at(labels, row), error);
        if (place < 0)
            return false;
        ((int32_t *)duckdb_vector_get_data(a->output))[row] = place + 1; /* SQL counts from 1 */
    }
    return true;
}

static void put_nothing(const answer_call *a, uint32_t row)
{
    if (a->write == write_branch_of)
        write_no_branch(a->output, row);
    else
        put_null(a->output, row);
}

static bool use_probabilities(void *user, model *m, const uint32_t *rows, uint32_t n, failure *error)
{
    answer_call *a = user;
    duckdb_vector lists = duckdb_data_chunk_get_vector(a->input, 0), number = duckdb_data_chunk_get_vector(a->input, 1);
    duckdb_vector child = duckdb_list_vector_get_child(lists);
    const duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    const uint64_t *list_validity = duckdb_vector_get_validity(lists);
    const uint64_t *number_validity = duckdb_vector_get_validity(number);
    const uint64_t *child_validity = duckdb_vector_get_validity(child);
    const double *probabilities = duckdb_vector_get_data(child), *numbers = duckdb_vector_get_data(number);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = rows ? rows[k] : k;
        idx_t offset = entries[row].offset;
        if (!row_is_valid(number_validity, row) || !row_is_valid(list_validity, row)) {
            put_nothing(a, row);
            continue;
        }
        if (entries[row].length != m->card.n_classes)
            return fail(error, "Model %.*s has %u classes, and the list of probabilities %llu.", shown(m->card.name),
                        m->card.name.data, m->card.n_classes, (unsigned long long)entries[row].length);
        if (!row_is_valid(child_validity, offset))
            put_nothing(a, row); /* with too few bands, all probabilities are NULL */
        else if (!a->write(a->output, row, &m->card, probabilities + offset, numbers[row], error))
            return false;
    }
    return true;
}

static void run_place(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    failure error;
    answer_call a = {input, output, NULL};
    if (!for_each_model(input, use_labels, &a, &error))
        duckdb_scalar_function_set_error(info, error.text);
}

static void run_on_probabilities(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
                                 write_from_probabilities *write)
{
    failure error;
    answer_call a = {input, output, write};
    if (!for_each_model(input, use_probabilities, &a, &error))
        duckdb_scalar_function_set_error(info, error.text);
}

static void run_node_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    run_on_probabilities(info, input, output, write_node_of);
}

static void run_branch_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    run_on_probabilities(info, input, output, write_branch_of);
}

static void run_set_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    run_on_probabilities(info, input, output, write_set_of);
}

bool register_answer_functions(duckdb_connection connection)
{
    static const struct {
        const char *name;
        duckdb_logical_type (*returns)(void);
        duckdb_scalar_function_t run;
    } functions[] = {
        {"_sed_node_of", type_text, run_node_of},
        {"_sed_branch_of", type_branch, run_branch_of},
        {"_sed_set_of", type_texts, run_set_of},
    };
    duckdb_scalar_function f = begin_function("_sed_place", type_integer(), run_place);
    duckdb_scalar_function_set_special_handling(f);
    add_arguments(f, type_text(), 3);
    bool done = finish_function(f, connection);
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        f = begin_function(functions[k].name, functions[k].returns(), functions[k].run);
        duckdb_scalar_function_set_special_handling(f);
        add_arguments(f, type_doubles(), 1);
        add_arguments(f, type_double(), 1);
        add_arguments(f, type_text(), 2);
        done &= finish_function(f, connection);
    }
    return done;
}
