#include "lead.h"

#include <math.h>

#include "forest.h"
#include "operators.h"

/* The step that computes a value; those that hand columns on are passed over. */
static const step *maker(const graph *g, const value *v)
{
    for (uint32_t k = g->n_steps; v && k-- > 0;)
        if (g->steps[k].out == v) {
            if (g->steps[k].op->run)
                return g->steps + k;
            v = g->steps[k].op->alias == alias_same ? g->steps[k].in[0] : NULL;
        }
    return NULL;
}

lead_plan lead_of(const graph *g)
{
    lead_plan none = {NULL, 1}, found = none;
    const step *s = maker(g, g->outputs[1]);
    if (!s || s->op->run != run_softmax)
        return none;
    s = maker(g, s->in[0]);
    if (s && s->op->run == run_div && s->in[1]->constant && s->in[1]->width == 1 && s->in[1]->kind == KIND_FLOAT) {
        found.temperature = s->in[1]->constant->floats[0];
        s = maker(g, s->in[0]);
    }
    if (!s || s->op->run != run_trees || !forest_is_exact(s->own) || !(found.temperature > 0))
        return none;
    found.trees = s;
    return found;
}

static float logarithm_of_ratio(float p, float q)
{
    return p == q ? 0 : logf(p / q);
}

void model_lead(const model *m, workspace *w, int32_t one, int32_t other, float *lead, int32_t *n_bands)
{
    const step *trees = m->lead.trees;
    if (!trees) {
        prediction p;
        model_run(m, WANT_CLASS | WANT_PROBABILITIES, w, &p);
        for (int row = 0; row < BLOCK; row++) {
            lead[row] = logarithm_of_ratio(p.probabilities[one][row], p.probabilities[other][row]);
            n_bands[row] = p.n_bands[row];
        }
        return;
    }
    model_count_bands(m, w, n_bands);
    for (const step *s = m->graph.steps; s < trees; s++)
        if (s->wanted & WANT_PROBABILITIES && s->op->run)
            s->op->run(s, w);
    float rival[BLOCK];
    const float *const *features = (const float *const *)w->columns + trees->in[0]->first;
    forest_two(trees->own, features, (uint32_t[]){(uint32_t)one, (uint32_t)other}, (float *[]){lead, rival}, w->room);
    for (int row = 0; row < BLOCK; row++)
        lead[row] = (lead[row] - rival[row]) / m->lead.temperature;
}
