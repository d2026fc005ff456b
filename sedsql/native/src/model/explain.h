/* Why a source has its class: exact Shapley values of the bands, as in sedsql/inference/explain.py. */
#ifndef SED_MODEL_EXPLAIN_H
#define SED_MODEL_EXPLAIN_H

#include "model/evaluate.h"

/* What each value that a source has adds to the probability of its class. */
typedef struct {
    uint32_t n; /* 0 where the source has no class */
    const char *names[INPUTS];
    double contributions[INPUTS];
} explanation;

/* Take the explanation of the k-th row of an evaluation. */
typedef void take_explanation(void *taker, uint32_t k, const explanation *found);

/* Explain all rows; false with a sentence where there is no memory. */
bool explain(const evaluation *e, take_explanation *take, void *taker, failure *error);

#endif
