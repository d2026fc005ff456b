/* Rows of a chunk to blocks of a model's inputs, and back. */
#include <float.h>
#include <math.h>

#include "call.h"
#include "deviates.h"
#include "lead.h"
#include "vectors.h"

void fill_input(const call *c, uint32_t at, uint32_t first, uint32_t n, float *to)
{
    const float *from = c->columns.data[at];
    const uint64_t *validity = c->columns.validity[at];
    const float most = at == column_of(INPUTS - 1) ? 90 : FLT_MAX; /* the last is the declination */
    if (!from) {
        n = 0;
    } else if (!c->rows && !validity) {
        for (uint32_t k = 0; k < n; k++)
            to[k] = fabsf(from[first + k]) <= most ? from[first + k] : NAN;
    } else {
        for (uint32_t k = 0; k < n; k++) {
            uint32_t row = row_of(c, first + k);
            to[k] = row_is_valid(validity, row) && fabsf(from[row]) <= most ? from[row] : NAN;
        }
    }
    for (uint32_t k = n; k < BLOCK; k++)
        to[k] = NAN;
}

void fill_inputs(const call *c, uint32_t first, uint32_t n)
{
    for (uint32_t input = 0; input < INPUTS; input++) {
        float *to = model_input(c->model, c->space, input);
        if (to)
            fill_input(c, column_of(input), first, n, to);
    }
}

bool ask(const call *c, unsigned wanted, write_function *write)
{
    prediction p;
    for (uint32_t first = 0; first < c->n; first += BLOCK) {
        uint32_t n = c->n - first < BLOCK ? c->n - first : BLOCK;
        fill_inputs(c, first, n);
        model_run(c->model, wanted, c->space, &p);
        if (!write(c, first, n, &p))
            return false;
    }
    return true;
}

enum { ROWS = BLOCK / DRAWS };

static void draw(const call *c, uint32_t first, uint32_t n)
{
    float values[BLOCK], errors[BLOCK];
    for (uint32_t input = 0; input < INPUTS; input++) {
        float *to = model_input(c->model, c->space, input);
        if (!to)
            continue;
        fill_input(c, column_of(input), first, n, values);
        if (input < BANDS)
            fill_input(c, BANDS + input, first, n, errors);
        for (int row = 0; row < ROWS; row++)
            for (int k = 0; k < DRAWS; k++) {
                float error = input < BANDS && errors[row] > 0 ? errors[row] : 0;
                float drawn = values[row] + (input < BANDS ? deviates[k][input] * error : 0);
                /* an infinity would be missing */
                to[row * DRAWS + k] = drawn > FLT_MAX ? FLT_MAX : drawn < -FLT_MAX ? -FLT_MAX : drawn;
            }
    }
}

bool ask_with_errors(const call *c, unsigned wanted, write_function *write)
{
    uint32_t classes = c->model->card.n_classes;
    prediction every, p;
    float means[MOST_CLASSES][ROWS];
    const float *columns[MOST_CLASSES];
    for (uint32_t first = 0; first < c->n; first += ROWS) {
        uint32_t n = c->n - first < ROWS ? c->n - first : ROWS;
        draw(c, first, n);
        model_run(c->model, wanted, c->space, &every);
        for (uint32_t class = 0; class < classes; class++) {
            columns[class] = means[class];
            for (uint32_t row = 0; row < n; row++) {
                float sum = 0;
                for (int k = 0; k < DRAWS; k++)
                    sum += every.probabilities[class][row * DRAWS + (uint32_t)k];
                means[class][row] = sum / DRAWS;
            }
        }
        p.probabilities = columns;
        p.has_outlier = every.has_outlier;
        for (uint32_t row = 0; row < n; row++) {
            uint32_t one = row * DRAWS;
            double outlier = 0;
            p.n_bands[row] = every.n_bands[one];
            p.place[row] = every.place[one] < 0 ? -1 : 0;
            for (uint32_t class = 1; p.place[row] >= 0 && class < classes; class++)
                if (means[class][row] > means[p.place[row]][row])
                    p.place[row] = (int32_t)class;
            for (uint32_t k = 0; every.has_outlier && k < DRAWS; k++)
                outlier += every.outlier[one + k];
            p.outlier[row] = outlier / DRAWS;
        }
        if (!write(c, first, n, &p))
            return false;
    }
    return true;
}

/* The place of the class that all rows of the call name; -1 with a sentence where they name several. */
static int32_t place_for_all(const call *c, int argument)
{
    const duckdb_string_t *labels = c->arguments[argument];
    text label = {0};
    for (uint32_t k = 0; k < c->n; k++) {
        uint32_t row = row_of(c, k);
        text found = {string_data(labels + row), string_length(labels + row)};
        if (!row_is_valid(c->argument_validity[argument], row) || (k && !same(found, label))) {
            fail(c->why, "sed_lead takes two classes, the same for all rows.");
            return -1;
        }
        label = found;
    }
    return place_of_label(&c->model->card, label, c->why);
}

bool ask_lead(const call *c, unsigned wanted, write_function *unused)
{
    (void)wanted, (void)unused;
    int32_t one = place_for_all(c, 0), n_bands[BLOCK];
    int32_t other = one < 0 ? -1 : place_for_all(c, 1);
    float lead[BLOCK], *cells = duckdb_vector_get_data(c->output);
    if (other < 0)
        return false;
    for (uint32_t first = 0; first < c->n; first += BLOCK) {
        uint32_t n = c->n - first < BLOCK ? c->n - first : BLOCK;
        fill_inputs(c, first, n);
        model_lead(c->model, c->space, one, other, lead, n_bands);
        for (uint32_t k = 0; k < n; k++)
            if (n_bands[k] < c->model->card.min_bands)
                put_null(c->output, row_of(c, first + k));
            else
                cells[row_of(c, first + k)] = lead[k];
    }
    return true;
}
