/* How far one class is ahead of another. */
#ifndef SED_LEAD_H
#define SED_LEAD_H

#include "model.h"

/* Finds whether a model's probabilities are softmax of a forest's scores: then two classes' trees tell the lead. */
lead_plan lead_of(const graph *g);

/* ln of the ratio of two classes' probabilities, for the block that stands in the inputs' columns, missing = NaN. The
   first class is the answer only where it is not negative. */
void model_lead(const model *m, workspace *w, int32_t one, int32_t other, float *lead, int32_t *n_bands);

#endif
