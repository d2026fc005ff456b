#include "model/evaluate.h"

#include <float.h>
#include <math.h>

#include "model/deviates.h"
#include "model/log_odds.h"
#include "text/validity.h"

static void fill_column(const evaluation *e, uint32_t at, float most, uint32_t first, uint32_t n, float *to)
{
    const float *from = e->columns.data[at];
    const uint64_t *validity = e->columns.validity[at];
    if (!from) {
        n = 0;
    } else if (!e->rows && !validity) {
        for (uint32_t k = 0; k < n; k++)
            to[k] = fabsf(from[first + k]) <= most ? from[first + k] : NAN;
    } else {
        for (uint32_t k = 0; k < n; k++) {
            uint32_t row = row_of(e, first + k);
            to[k] = row_is_valid(validity, row) && fabsf(from[row]) <= most ? from[row] : NAN;
        }
    }
    for (uint32_t k = n; k < BLOCK; k++)
        to[k] = NAN;
}

void fill_input(const evaluation *e, uint32_t input, uint32_t first, uint32_t n, float *to)
{
    enum { DECLINATION = INPUTS - 1 };
    uint32_t at = input < BANDS ? input : BANDS + input; /* the bands' errors stand between */
    fill_column(e, at, input == DECLINATION ? 90 : FLT_MAX, first, n, to);
}

static void fill_inputs(const evaluation *e, uint32_t first, uint32_t n)
{
    for (uint32_t input = 0; input < INPUTS; input++) {
        float *to = model_input(e->model, e->space, input);
        if (to)
            fill_input(e, input, first, n, to);
    }
}

bool evaluate(const evaluation *e, unsigned wanted, take_predictions *take, void *taker)
{
    prediction p;
    for (uint32_t first = 0; first < e->n; first += BLOCK) {
        uint32_t n = e->n - first < BLOCK ? e->n - first : BLOCK;
        fill_inputs(e, first, n);
        model_run(e->model, wanted, e->space, &p);
        if (!take(taker, first, n, &p))
            return false;
    }
    return true;
}

enum { ROWS = BLOCK / DRAWS };

/* Fill the inputs with the draws of `n` rows: those of a row stand next to each other. */
static void draw(const evaluation *e, uint32_t first, uint32_t n)
{
    float values[BLOCK], errors[BLOCK];
    for (uint32_t input = 0; input < INPUTS; input++) {
        float *to = model_input(e->model, e->space, input);
        if (!to)
            continue;
        fill_input(e, input, first, n, values);
        if (input < BANDS)
            fill_column(e, BANDS + input, FLT_MAX, first, n, errors);
        for (int row = 0; row < ROWS; row++)
            for (int k = 0; k < DRAWS; k++) {
                float error = input < BANDS && errors[row] > 0 ? errors[row] : 0;
                float drawn = values[row] + (input < BANDS ? deviates[k][input] * error : 0);
                /* an infinity would be missing */
                to[row * DRAWS + k] = drawn > FLT_MAX ? FLT_MAX : drawn < -FLT_MAX ? -FLT_MAX : drawn;
            }
    }
}

/* Average the draws of `n` rows; `means` holds the probabilities. */
static void average(const prediction *draws, uint32_t classes, uint32_t n, float means[][ROWS], prediction *p)
{
    for (uint32_t class = 0; class < classes; class++)
        for (uint32_t row = 0; row < n; row++) {
            float sum = 0;
            for (int k = 0; k < DRAWS; k++)
                sum += draws->probabilities[class][row * DRAWS + (uint32_t)k];
            means[class][row] = sum / DRAWS;
        }
    p->has_outlier = draws->has_outlier;
    for (uint32_t row = 0; row < n; row++) {
        uint32_t one = row * DRAWS;
        double outlier = 0;
        p->n_bands[row] = draws->n_bands[one];
        p->place[row] = draws->place[one] < 0 ? -1 : 0;
        for (uint32_t class = 1; p->place[row] >= 0 && class < classes; class++)
            if (means[class][row] > means[p->place[row]][row])
                p->place[row] = (int32_t)class;
        for (uint32_t k = 0; draws->has_outlier && k < DRAWS; k++)
            outlier += draws->outlier[one + k];
        p->outlier[row] = outlier / DRAWS;
    }
}

bool evaluate_with_errors(const evaluation *e, unsigned wanted, take_predictions *take, void *taker)
{
    uint32_t classes = e->model->card.n_classes;
    prediction draws, p;
    float means[MOST_CLASSES][ROWS];
    const float *columns[MOST_CLASSES];
    for (uint32_t class = 0; class < classes; class++)
        columns[class] = means[class];
    p.probabilities = columns;
    for (uint32_t first = 0; first < e->n; first += ROWS) {
        uint32_t n = e->n - first < ROWS ? e->n - first : ROWS;
        draw(e, first, n);
        model_run(e->model, wanted, e->space, &draws);
        average(&draws, classes, n, means, &p);
        if (!take(taker, first, n, &p))
            return false;
    }
    return true;
}

void evaluate_log_odds(const evaluation *e, int32_t one, int32_t other, take_log_odds *take, void *taker)
{
    int32_t n_bands[BLOCK];
    float log_odds[BLOCK];
    bool known[BLOCK];
    for (uint32_t first = 0; first < e->n; first += BLOCK) {
        uint32_t n = e->n - first < BLOCK ? e->n - first : BLOCK;
        fill_inputs(e, first, n);
        model_log_odds(e->model, e->space, one, other, log_odds, n_bands);
        for (uint32_t k = 0; k < n; k++)
            known[k] = n_bands[k] >= e->model->card.min_bands;
        take(taker, first, n, log_odds, known);
    }
}
