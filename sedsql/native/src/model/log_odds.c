#include "model/log_odds.h"

#include <math.h>

#include "trees/scores.h"

static float logarithm_of_ratio(float p, float q)
{
    return p == q ? 0 : logf(p / q);
}

static void from_probabilities(const model *m, workspace *w, int32_t one, int32_t other, float *log_odds,
                               int32_t *n_bands)
{
    prediction p;
    model_run(m, WANT_CLASS | WANT_PROBABILITIES, w, &p);
    for (int row = 0; row < BLOCK; row++) {
        log_odds[row] = logarithm_of_ratio(p.probabilities[one][row], p.probabilities[other][row]);
        n_bands[row] = p.n_bands[row];
    }
}

void model_log_odds(const model *m, workspace *w, int32_t one, int32_t other, float *log_odds, int32_t *n_bands)
{
    const log_odds_plan *plan = &m->log_odds;
    if (!plan->forest) {
        from_probabilities(m, w, one, other, log_odds, n_bands);
        return;
    }
    model_count_bands(m, w, n_bands);
    for (const step *s = m->graph.steps; s < plan->step; s++)
        if (s->wanted & WANT_PROBABILITIES && s->op->run)
            s->op->run(s, w);
    float reference[BLOCK];
    const float *const *features = (const float *const *)w->columns + plan->step->in[0]->first;
    forest_scores_of_two(plan->forest, features, (uint32_t[]){(uint32_t)one, (uint32_t)other},
                         (float *[]){log_odds, reference}, w->scratch);
    for (int row = 0; row < BLOCK; row++)
        log_odds[row] = (log_odds[row] - reference[row]) / plan->temperature;
}
