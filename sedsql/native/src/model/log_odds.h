/* The log-odds of two classes. */
#ifndef SED_MODEL_LOG_ODDS_H
#define SED_MODEL_LOG_ODDS_H

#include "model/model.h"

/* Compute ln(P(one) / P(other)) for the block that stands in the inputs' columns, missing = NaN, and count its bands.
   A row has `one` as its class only where that is not negative. */
void model_log_odds(const model *m, workspace *w, int32_t one, int32_t other, float *log_odds, int32_t *n_bands);

#endif
