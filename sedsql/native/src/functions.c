#include "functions.h"

#include <stdlib.h>

#include "call.h"
#include "registry.h"
#include "types.h"
#include "vectors.h"

/* A function of a row: the columns, its own arguments, the model's name, the key of the set of models. */
typedef struct {
    const char *name;
    bool (*ask)(const call *c, unsigned wanted, write_function *write);
    unsigned wanted;
    write_function *write;
    duckdb_type argument;
    int arguments; /* of that type */
    duckdb_logical_type (*returns)(void);
    bool with_errors;
    uint32_t more; /* how many columns besides the bands' */
} row_function;

enum { EVERYTHING = WANT_CLASS | WANT_PROBABILITIES | WANT_DISTANCE, CLASS_AND_SHARES = WANT_CLASS | WANT_PROBABILITIES };

#define WITH_MORE_AND_WITHOUT(name, ...)                                                                               \
    {name, __VA_ARGS__, 0}, {name "_parallax", __VA_ARGS__, PARALLAX},                                                \
        {name "_position", __VA_ARGS__, PARALLAX + POSITION}
static const row_function row_functions[] = {
    WITH_MORE_AND_WITHOUT("_sed_class", ask, WANT_CLASS, write_class, DUCKDB_TYPE_INVALID, 0, type_text, false),
    WITH_MORE_AND_WITHOUT("_sed_proba", ask, CLASS_AND_SHARES, write_probability, DUCKDB_TYPE_VARCHAR, 1, type_double,
                          false),
    WITH_MORE_AND_WITHOUT("_sed_predict", ask, EVERYTHING, write_prediction, DUCKDB_TYPE_INVALID, 0, type_prediction,
                          false),
    WITH_MORE_AND_WITHOUT("_sed_answer", ask, EVERYTHING, write_answer, DUCKDB_TYPE_INVALID, 0, type_answer, false),
    WITH_MORE_AND_WITHOUT("_sed_node", ask, CLASS_AND_SHARES, write_node, DUCKDB_TYPE_DOUBLE, 1, type_text, false),
    WITH_MORE_AND_WITHOUT("_sed_set", ask, CLASS_AND_SHARES, write_set, DUCKDB_TYPE_DOUBLE, 1, type_texts, false),
    WITH_MORE_AND_WITHOUT("_sed_lead", ask_lead, CLASS_AND_SHARES, NULL, DUCKDB_TYPE_VARCHAR, 2, type_float, false),
    WITH_MORE_AND_WITHOUT("_sed_explain", explain, WANT_CLASS, NULL, DUCKDB_TYPE_INVALID, 0, type_explanation, false),
    WITH_MORE_AND_WITHOUT("_sed_predict_errors", ask_with_errors, EVERYTHING, write_prediction, DUCKDB_TYPE_INVALID, 0,
                          type_prediction, true),
};

/* A column of texts, such as the names of models. */
typedef struct {
    const duckdb_string_t *cells;
    const uint64_t *validity;
} texts;

static texts texts_at(duckdb_data_chunk input, idx_t column)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, column);
    return (texts){duckdb_vector_get_data(vector), duckdb_vector_get_validity(vector)};
}

/* No text where it is NULL. */
static text text_at(texts column, idx_t row)
{
    if (!row_is_valid(column.validity, row))
        return (text){0};
    return (text){string_data(column.cells + row), string_length(column.cells + row)};
}

static bool all_same(texts column, idx_t rows)
{
    text first = text_at(column, 0);
    for (idx_t row = 1; row < rows; row++)
        if (!same(text_at(column, row), first))
            return false;
    return true;
}

/* Calls `use` for the rows of each model that the chunk names; false with a sentence where one fails. */
typedef bool use_rows(void *what, model *m, const uint32_t *rows, uint32_t n, failure *why);
static bool for_each_model(duckdb_data_chunk input, use_rows *use, void *what, failure *why)
{
    idx_t columns = duckdb_data_chunk_get_column_count(input), n = duckdb_data_chunk_get_size(input);
    texts names = texts_at(input, columns - 2), keys = texts_at(input, columns - 1);
    if (!n)
        return true;
    model_set *set = registry_find(text_at(keys, 0));
    if (!set || !all_same(keys, n))
        return fail(why, "No models are known under this key; sed_models(key, default, folders) makes them known.");
    if (all_same(names, n)) {
        model *m = registry_model(set, text_at(names, 0), why);
        return m && use(what, m, NULL, (uint32_t)n, why);
    }
    uint32_t *rows = malloc(n * sizeof *rows);
    bool *done = calloc(n, sizeof *done), fine = rows && done;
    if (!fine)
        fail(why, "No memory for the rows of several models.");
    for (idx_t first = 0; fine && first < n; first++) {
        if (done[first])
            continue;
        uint32_t found = 0;
        text name = text_at(names, first);
        for (idx_t row = first; row < n; row++)
            if (!done[row] && same(text_at(names, row), name)) {
                done[row] = true;
                rows[found++] = (uint32_t)row;
            }
        model *m = registry_model(set, name, why);
        fine = m && use(what, m, rows, found, why);
    }
    free(rows);
    free(done);
    return fine;
}

typedef struct {
    const row_function *function;
    call call;
} asked;

static bool ask_model(void *what, model *m, const uint32_t *rows, uint32_t n, failure *why)
{
    asked *a = what;
    a->call.model = m;
    a->call.rows = rows;
    a->call.n = n;
    a->call.why = why;
    a->call.space = model_take(m);
    if (!a->call.space)
        return fail(why, "No memory to run model %.*s.", shown(m->card.name), m->card.name.data);
    bool fine = a->function->ask(&a->call, a->function->wanted, a->function->write);
    model_give(m, a->call.space);
    return fine;
}

static void run_row_function(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    asked a = {.function = duckdb_scalar_function_get_extra_info(info), .call = {.output = output}};
    idx_t next = 0;
    for (uint32_t at = 0; at < BANDS + INPUTS; at++) {
        bool is_error = at >= BANDS && at < 2 * BANDS;
        if ((is_error && !a.function->with_errors) || at >= 2 * BANDS + a.function->more)
            continue;
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, next++);
        a.call.columns.data[at] = duckdb_vector_get_data(vector);
        a.call.columns.validity[at] = duckdb_vector_get_validity(vector);
    }
    for (int k = 0; k < a.function->arguments; k++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, next++);
        a.call.arguments[k] = duckdb_vector_get_data(vector);
        a.call.argument_validity[k] = duckdb_vector_get_validity(vector);
    }
    failure why;
    if (!for_each_model(input, ask_model, &a, &why))
        duckdb_scalar_function_set_error(info, why.text);
}

/* Functions of an answer that is there already, and of labels: (label or probabilities, number, model, key). */
typedef struct {
    duckdb_data_chunk input;
    duckdb_vector output;
    bool (*of)(const call *c, const model_card *card, uint32_t row, const double *probabilities, double number);
} of_answer;

static bool use_places(void *what, model *m, const uint32_t *rows, uint32_t n, failure *why)
{
    of_answer *a = what;
    texts labels = texts_at(a->input, 0);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = rows ? rows[k] : k;
        if (!row_is_valid(labels.validity, row)) {
            put_null(a->output, row);
            continue;
        }
        int32_t place = place_of_label(&m->card, text_at(labels, row), why);
        if (place < 0)
            return false;
        ((int32_t *)duckdb_vector_get_data(a->output))[row] = place + 1; /* SQL counts from 1 */
    }
    return true;
}

/* What is taken of a NULL struct is NULL only where its fields are. */
static void put_nothing(const of_answer *a, uint32_t row)
{
    put_null(a->output, row);
    for (idx_t field = 0; a->of == branch_of && field < 3; field++)
        put_null(duckdb_struct_vector_get_child(a->output, field), row);
}

static bool use_answers(void *what, model *m, const uint32_t *rows, uint32_t n, failure *why)
{
    of_answer *a = what;
    duckdb_vector lists = duckdb_data_chunk_get_vector(a->input, 0), number = duckdb_data_chunk_get_vector(a->input, 1);
    duckdb_vector child = duckdb_list_vector_get_child(lists);
    const duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    const uint64_t *list_there = duckdb_vector_get_validity(lists), *number_there = duckdb_vector_get_validity(number);
    const uint64_t *child_there = duckdb_vector_get_validity(child);
    const double *probabilities = duckdb_vector_get_data(child), *numbers = duckdb_vector_get_data(number);
    call c = {.output = a->output, .why = why};
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = rows ? rows[k] : k;
        idx_t offset = entries[row].offset;
        if (!row_is_valid(number_there, row) || !row_is_valid(list_there, row)) {
            put_nothing(a, row);
            continue;
        }
        if (entries[row].length != m->card.n_classes)
            return fail(why, "Model %.*s has %u classes, and the list of probabilities %llu.", shown(m->card.name),
                        m->card.name.data, m->card.n_classes, (unsigned long long)entries[row].length);
        if (!row_is_valid(child_there, offset))
            put_nothing(a, row); /* too few bands: all of them are NULL */
        else if (!a->of(&c, &m->card, row, probabilities + offset, numbers[row]))
            return false;
    }
    return true;
}

static void run_place(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    failure why;
    of_answer a = {input, output, NULL};
    if (!for_each_model(input, use_places, &a, &why))
        duckdb_scalar_function_set_error(info, why.text);
}

static void run_of_answer(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
                          bool (*of)(const call *, const model_card *, uint32_t, const double *, double))
{
    failure why;
    of_answer a = {input, output, of};
    if (!for_each_model(input, use_answers, &a, &why))
        duckdb_scalar_function_set_error(info, why.text);
}

static void run_node_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    run_of_answer(info, input, output, node_of);
}

static void run_branch_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    run_of_answer(info, input, output, branch_of);
}

static void run_set_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    run_of_answer(info, input, output, set_of);
}

/* sed_models(key, default, folders): makes models known; the number of folders. */
static void run_models(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    texts keys = texts_at(input, 0), defaults = texts_at(input, 1);
    duckdb_vector lists = duckdb_data_chunk_get_vector(input, 2), child = duckdb_list_vector_get_child(lists);
    const duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    texts names = {duckdb_vector_get_data(child), duckdb_vector_get_validity(child)};
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        failure why = {"sed_models takes a key, the name of the default model, and a list of folders."};
        bool given = row_is_valid(keys.validity, row) && row_is_valid(defaults.validity, row) &&
                     row_is_valid(duckdb_vector_get_validity(lists), row);
        idx_t n = given ? entries[row].length : 0;
        text *folders = malloc((n + 1) * sizeof *folders);
        for (idx_t k = 0; folders && k < n; k++)
            folders[k] = text_at(names, entries[row].offset + k);
        bool added = given && folders && registry_add(text_at(keys, row), text_at(defaults, row), folders, n, &why);
        free(folders);
        if (!added) {
            duckdb_scalar_function_set_error(info, why.text);
            return;
        }
        ((int32_t *)duckdb_vector_get_data(output))[row] = (int32_t)n;
    }
}

/* sed_refused(model, key): why a model does not run here; NULL where it does. */
static void run_refused(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    texts names = texts_at(input, 0), keys = texts_at(input, 1);
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        failure why = {"No models are known under this key."};
        model_set *set = registry_find(text_at(keys, row));
        if (set && registry_model(set, text_at(names, row), &why))
            put_null(output, row);
        else
            duckdb_vector_assign_string_element(output, row, why.text);
    }
    (void)info;
}

typedef struct {
    duckdb_scalar_function function;
} builder;

static builder begin(const char *name, duckdb_logical_type returns, duckdb_scalar_function_t run)
{
    builder b = {duckdb_create_scalar_function()};
    duckdb_scalar_function_set_name(b.function, name);
    duckdb_scalar_function_set_return_type(b.function, returns);
    duckdb_scalar_function_set_function(b.function, run);
    duckdb_scalar_function_set_special_handling(b.function); /* rows with a NULL come too */
    duckdb_destroy_logical_type(&returns);
    return b;
}

static void take(builder b, duckdb_logical_type type, int times)
{
    for (int k = 0; k < times; k++)
        duckdb_scalar_function_add_parameter(b.function, type);
    duckdb_destroy_logical_type(&type);
}

static bool finish(builder b, duckdb_connection connection)
{
    bool done = duckdb_register_scalar_function(connection, b.function) == DuckDBSuccess;
    duckdb_destroy_scalar_function(&b.function);
    return done;
}

static bool register_row_function(duckdb_connection connection, const row_function *f)
{
    builder b = begin(f->name, f->returns(), run_row_function);
    take(b, type_float(), BANDS + (f->with_errors ? BANDS : 0) + (int)f->more);
    if (f->arguments)
        take(b, duckdb_create_logical_type(f->argument), f->arguments);
    take(b, type_text(), 2);
    duckdb_scalar_function_set_extra_info(b.function, (void *)f, NULL);
    return finish(b, connection);
}

bool sed_register_functions(duckdb_connection connection)
{
    bool done = true;
    for (size_t k = 0; k < sizeof row_functions / sizeof *row_functions; k++)
        done &= register_row_function(connection, row_functions + k);

    builder b = begin("_sed_place", type_integer(), run_place);
    take(b, type_text(), 3);
    done &= finish(b, connection);

    static const struct {
        const char *name;
        duckdb_logical_type (*returns)(void);
        duckdb_scalar_function_t run;
    } of_answers[] = {
        {"_sed_node_of", type_text, run_node_of},
        {"_sed_branch_of", type_branch, run_branch_of},
        {"_sed_set_of", type_texts, run_set_of},
    };
    for (size_t k = 0; k < sizeof of_answers / sizeof *of_answers; k++) {
        b = begin(of_answers[k].name, of_answers[k].returns(), of_answers[k].run);
        take(b, type_doubles(), 1);
        take(b, type_double(), 1);
        take(b, type_text(), 2);
        done &= finish(b, connection);
    }

    b = begin("sed_models", type_integer(), run_models);
    take(b, type_text(), 2);
    take(b, type_texts(), 1);
    duckdb_scalar_function_set_volatile(b.function);
    done &= finish(b, connection);

    b = begin("sed_refused", type_text(), run_refused);
    take(b, type_text(), 2);
    duckdb_scalar_function_set_volatile(b.function);
    return finish(b, connection) && done;
}
