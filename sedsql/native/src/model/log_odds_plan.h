/* Which part of a graph tells the log-odds of two classes. */
#ifndef SED_MODEL_LOG_ODDS_PLAN_H
#define SED_MODEL_LOG_ODDS_PLAN_H

#include "model/graph.h"
#include "trees/forest.h"

/* The forest whose scores, over the temperature, go through softmax to become probabilities. */
typedef struct {
    const forest *forest; /* NULL where probabilities are made otherwise */
    const step *step;     /* the step that runs it */
    float temperature;
} log_odds_plan;

/* Find the forest behind the probabilities of a graph: the trees of two classes then tell their log-odds. */
log_odds_plan log_odds_plan_of(const graph *g);

#endif
