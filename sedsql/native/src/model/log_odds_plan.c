#include "model/log_odds_plan.h"

#include "onnx/operators.h"
#include "onnx/tree_ensemble.h"

/* Find the step that computes a value, past those that only hand columns on. */
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

log_odds_plan log_odds_plan_of(const graph *g)
{
    log_odds_plan none = {NULL, NULL, 1}, found = none;
    const step *s = maker(g, g->outputs[1]);
    if (!s || s->op->run != run_softmax)
        return none;
    s = maker(g, s->in[0]);
    if (s && s->op->run == run_div && s->in[1]->constant && s->in[1]->width == 1 && s->in[1]->kind == KIND_FLOAT) {
        found.temperature = s->in[1]->constant->floats[0];
        s = maker(g, s->in[0]);
    }
    found.step = s;
    found.forest = s ? exact_forest_of(s) : NULL;
    return found.forest && found.temperature > 0 ? found : none;
}
