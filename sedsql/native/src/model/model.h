/* A model that is ready to run: its card and its planned graph. */
#ifndef SED_MODEL_MODEL_H
#define SED_MODEL_MODEL_H

#include <stdatomic.h>

#include "model/card.h"
#include "model/graph.h"
#include "model/log_odds_plan.h"

enum { IDLE = 32 };

typedef struct {
    arena memory;
    model_card card;
    graph graph;
    log_odds_plan log_odds;
    const value *inputs[INPUTS]; /* of the graph; one for all columns, or one for each */
    bool has_missing;
    float missing; /* what stands for a missing value, if not NaN */
    _Atomic(workspace *) idle[IDLE];
} model;

/* What a model says of a block of rows. Columns of probabilities are those of the workspace. */
typedef struct {
    int32_t n_bands[BLOCK];
    int32_t place[BLOCK]; /* of the class; -1 where there are too few bands */
    const float *const *probabilities;
    double outlier[BLOCK];
    bool has_outlier;
} prediction;

/* Free a model, which calloc made, and all that belongs to it. */
void model_free(model *m);

/* A workspace of this model for one thread; give it back. NULL without memory. */
workspace *model_take(model *m);
void model_give(model *m, workspace *w);

/* The workspace's column that an input is to be written to; NULL where the model does not take it. */
float *model_input(const model *m, workspace *w, uint32_t input);

/* Count the bands of the block that stands in the inputs' columns, and mark missing values as the graph wants them. */
void model_count_bands(const model *m, workspace *w, int32_t *n_bands);

/* Run the block that stands in the inputs' columns, missing = NaN. */
void model_run(const model *m, unsigned wanted, workspace *w, prediction *p);

#endif
