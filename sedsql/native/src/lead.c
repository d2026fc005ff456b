#include "lead.h"

#include <math.h>

#include "call.h"
#include "forest.h"
#include "operators.h"
#include "vectors.h"

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

/* The place of the class that all rows of the call name; -1 with a sentence where they name several. */
static int32_t place_for_all(const call *c, int argument)
{
    const duckdb_string_t *labels = c->arguments[argument];
    text label = {0};
    for (uint32_t k = 0; k < c->n; k++) {
        uint32_t row = row_of(c, k);
        text found = {string_data(labels + row), string_length(labels + row)};
        if (!row_is_valid(c->argument_validity[argument], row) || (k && !same(found, label))) {
            fail(c->why, "sed_lead takes two classes, the same for all rows.");
            return -1;
        }
        label = found;
    }
    return place_of_label(&c->model->card, label, c->why);
}

bool ask_lead(const call *c, unsigned wanted, write_function *unused)
{
    (void)wanted, (void)unused;
    int32_t one = place_for_all(c, 0), n_bands[BLOCK];
    int32_t other = one < 0 ? -1 : place_for_all(c, 1);
    float lead[BLOCK], *cells = duckdb_vector_get_data(c->output);
    if (other < 0)
        return false;
    for (uint32_t first = 0; first < c->n; first += BLOCK) {
        uint32_t n = c->n - first < BLOCK ? c->n - first : BLOCK;
        fill_inputs(c, first, n);
        model_lead(c->model, c->space, one, other, lead, n_bands);
        for (uint32_t k = 0; k < n; k++)
            if (n_bands[k] < c->model->card.min_bands)
                put_null(c->output, row_of(c, first + k));
            else
                cells[row_of(c, first + k)] = lead[k];
    }
    return true;
}
