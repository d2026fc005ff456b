#include "duckdb/row_functions.h"

#include "duckdb/call.h"
#include "duckdb/chunk_models.h"
#include "duckdb/register.h"
#include "duckdb/types.h"
#include "duckdb/vectors.h"
#include "duckdb/write.h"
#include "model/answers.h"
#include "model/explain.h"

typedef struct {
    const char *name;
    /* Answer the call's rows; false with a sentence. */
    bool (*answer)(call *c, unsigned wanted, take_predictions *write);
    unsigned wanted;
    take_predictions *write;
    duckdb_type argument;
    int arguments; /* of that type */
    duckdb_logical_type (*returns)(void);
    bool with_errors;
    uint32_t more; /* columns besides those of the bands */
} row_function;

static bool predict(call *c, unsigned wanted, take_predictions *write)
{
    return evaluate(&c->rows, wanted, write, c);
}

static bool predict_with_errors(call *c, unsigned wanted, take_predictions *write)
{
    return evaluate_with_errors(&c->rows, wanted, write, c);
}

static bool explain_rows(call *c, unsigned wanted, take_predictions *write)
{
    (void)wanted, (void)write;
    return explain(&c->rows, write_explanation, c, c->error);
}

/* The place of the class that all rows of the call name; -1 with a sentence where they name several. */
static int32_t place_for_all(const call *c, int argument)
{
    texts labels = {c->arguments[argument], c->argument_validity[argument]};
    text label = {0};
    for (uint32_t k = 0; k < c->rows.n; k++) {
        uint32_t row = row_of(&c->rows, k);
        text found = text_at(labels, row);
        if (!row_is_valid(labels.validity, row) || (k && !same(found, label))) {
            fail(c->error, "sed_log_odds takes two classes, the same for all rows.");
            return -1;
        }
        label = found;
    }
    return place_of_label(&c->rows.model->card, label, c->error);
}

static bool log_odds(call *c, unsigned wanted, take_predictions *write)
{
    (void)wanted, (void)write;
    int32_t one = place_for_all(c, 0), other = one < 0 ? -1 : place_for_all(c, 1);
    if (other < 0)
        return false;
    evaluate_log_odds(&c->rows, one, other, write_log_odds, c);
    return true;
}

enum { PROBABILITIES = WANT_CLASS | WANT_PROBABILITIES, EVERYTHING = PROBABILITIES | WANT_DISTANCE };

#define WITH_MORE_AND_WITHOUT(name, ...)                                                                               \
    {name, __VA_ARGS__, 0}, {name "_parallax", __VA_ARGS__, PARALLAX},                                                \
        {name "_position", __VA_ARGS__, PARALLAX + POSITION}
static const row_function row_functions[] = {
    WITH_MORE_AND_WITHOUT("_sed_class", predict, WANT_CLASS, write_class, DUCKDB_TYPE_INVALID, 0, type_text, false),
    WITH_MORE_AND_WITHOUT("_sed_proba", predict, PROBABILITIES, write_probability, DUCKDB_TYPE_VARCHAR, 1,
                          type_double, false),
    WITH_MORE_AND_WITHOUT("_sed_predict", predict, EVERYTHING, write_prediction, DUCKDB_TYPE_INVALID, 0,
                          type_prediction, false),
    WITH_MORE_AND_WITHOUT("_sed_answer", predict, EVERYTHING, write_answer, DUCKDB_TYPE_INVALID, 0, type_answer,
                          false),
    WITH_MORE_AND_WITHOUT("_sed_classified", predict, EVERYTHING, write_classified, DUCKDB_TYPE_INVALID, 0,
                          type_classified, false),
    WITH_MORE_AND_WITHOUT("_sed_node", predict, PROBABILITIES, write_node, DUCKDB_TYPE_DOUBLE, 1, type_text, false),
    WITH_MORE_AND_WITHOUT("_sed_branch", predict, PROBABILITIES, write_branch, DUCKDB_TYPE_DOUBLE, 1, type_branch,
                          false),
    WITH_MORE_AND_WITHOUT("_sed_set", predict, PROBABILITIES, write_set, DUCKDB_TYPE_DOUBLE, 1, type_texts, false),
    WITH_MORE_AND_WITHOUT("_sed_log_odds", log_odds, 0, NULL, DUCKDB_TYPE_VARCHAR, 2, type_float, false),
    WITH_MORE_AND_WITHOUT("_sed_explain", explain_rows, 0, NULL, DUCKDB_TYPE_INVALID, 0, type_explanation, false),
    WITH_MORE_AND_WITHOUT("_sed_predict_errors", predict_with_errors, EVERYTHING, write_prediction,
                          DUCKDB_TYPE_INVALID, 0, type_prediction, true),
};

typedef struct {
    const row_function *function;
    call call;
} row_call;

static bool answer_rows(void *user, model *m, const uint32_t *rows, uint32_t n, failure *error)
{
    row_call *r = user;
    evaluation *e = &r->call.rows;
    e->model = m;
    e->rows = rows;
    e->n = n;
    r->call.error = error;
    e->space = model_take(m);
    if (!e->space)
        return fail(error, "No memory to run model %.*s.", shown(m->card.name), m->card.name.data);
    bool fine = r->function->answer(&r->call, r->function->wanted, r->function->write);
    model_give(m, e->space);
    return fine;
}

static void run_row_function(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    row_call r = {.function = duckdb_scalar_function_get_extra_info(info), .call = {.output = output}};
    input_columns *columns = &r.call.rows.columns;
    idx_t next = 0;
    for (uint32_t at = 0; at < BANDS + INPUTS; at++) {
        bool is_error = at >= BANDS && at < 2 * BANDS;
        if ((is_error && !r.function->with_errors) || at >= 2 * BANDS + r.function->more)
            continue;
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, next++);
        columns->data[at] = duckdb_vector_get_data(vector);
        columns->validity[at] = duckdb_vector_get_validity(vector);
    }
    for (int k = 0; k < r.function->arguments; k++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(input, next++);
        r.call.arguments[k] = duckdb_vector_get_data(vector);
        r.call.argument_validity[k] = duckdb_vector_get_validity(vector);
    }
    failure error;
    if (!for_each_model(input, answer_rows, &r, &error))
        duckdb_scalar_function_set_error(info, error.text);
}

static bool register_row_function(duckdb_connection connection, const row_function *f)
{
    duckdb_scalar_function function = begin_function(f->name, f->returns(), run_row_function);
    duckdb_scalar_function_set_special_handling(function);
    add_arguments(function, type_float(), BANDS + (f->with_errors ? BANDS : 0) + (int)f->more);
    if (f->arguments)
        add_arguments(function, duckdb_create_logical_type(f->argument), f->arguments);
    add_arguments(function, type_text(), 2);
    duckdb_scalar_function_set_extra_info(function, (void *)f, NULL);
    return finish_function(function, connection);
}

bool register_row_functions(duckdb_connection connection)
{
    bool done = true;
    for (size_t k = 0; k < sizeof row_functions / sizeof *row_functions; k++)
        done &= register_row_function(connection, row_functions + k);
    return done;
}
