/* A model's evaluation of many rows, block by block. */
#ifndef SED_MODEL_EVALUATE_H
#define SED_MODEL_EVALUATE_H

#include "model/model.h"

/* Columns of values: the bands, the bands' errors, and what models may take besides; NULL where one is not given. */
typedef struct {
    const float *data[BANDS + INPUTS];
    const uint64_t *validity[BANDS + INPUTS]; /* see text/validity.h */
} input_columns;

typedef struct {
    model *model;
    workspace *space;
    input_columns columns;
    const uint32_t *rows; /* of the columns; NULL: the first n, in order */
    uint32_t n;
} evaluation;

/* Take the predictions of `n` rows, from the `first` of the evaluation on; false ends the evaluation. */
typedef bool take_predictions(void *taker, uint32_t first, uint32_t n, const prediction *p);

/* Take log-odds of `n` rows; those of rows that have too few bands are not known. */
typedef void take_log_odds(void *taker, uint32_t first, uint32_t n, const float *log_odds, const bool *known);

/* Predict all rows; false where `take` gave false. */
bool evaluate(const evaluation *e, unsigned wanted, take_predictions *take, void *taker);

/* Predict all rows, averaged over draws within the errors of the bands. */
bool evaluate_with_errors(const evaluation *e, unsigned wanted, take_predictions *take, void *taker);

/* Compute the log-odds of two classes, given by their places, for all rows. */
void evaluate_log_odds(const evaluation *e, int32_t one, int32_t other, take_log_odds *take, void *taker);

/* Copy `n` rows, from the `first` on, of a model's input of this number to a column of BLOCK floats. Missing and
   infinite values become NaN, and so do declinations beyond 90 degrees. */
void fill_input(const evaluation *e, uint32_t input, uint32_t first, uint32_t n, float *to);

/* Where the k-th row of an evaluation stands in the columns. */
static inline uint32_t row_of(const evaluation *e, uint32_t k)
{
    return e->rows ? e->rows[k] : k;
}

#endif
