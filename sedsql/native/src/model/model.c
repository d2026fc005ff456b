#include "model/model.h"

#include <math.h>
#include <stdlib.h>

void model_free(model *m)
{
    for (int k = 0; k < IDLE; k++)
        workspace_free(atomic_exchange(&m->idle[k], NULL));
    arena_free(&m->memory);
    free(m);
}

workspace *model_take(model *m)
{
    for (int k = 0; k < IDLE; k++) {
        workspace *w = atomic_exchange(&m->idle[k], NULL);
        if (w)
            return w;
    }
    return workspace_new(&m->graph);
}

void model_give(model *m, workspace *w)
{
    for (int k = 0; k < IDLE; k++) {
        workspace *none = NULL;
        if (atomic_compare_exchange_strong(&m->idle[k], &none, w))
            return;
    }
    workspace_free(w);
}

static float *graph_column(const model *m, const workspace *w, uint32_t k)
{
    return column(w, m->inputs[k], m->inputs[k]->width == 1 ? 0 : k);
}

float *model_input(const model *m, workspace *w, uint32_t input)
{
    for (uint32_t k = 0; k < m->card.n_columns; k++)
        if (m->card.columns[k] == input)
            return graph_column(m, w, k);
    return NULL;
}

WIDE void model_count_bands(const model *m, workspace *w, int32_t *n_bands)
{
    for (int row = 0; row < BLOCK; row++)
        n_bands[row] = 0;
    for (uint32_t k = 0; k < m->card.n_columns; k++) {
        float *values = graph_column(m, w, k);
        for (int row = 0; row < BLOCK && k < m->card.n_bands; row++)
            n_bands[row] += values[row] == values[row];
        for (int row = 0; row < BLOCK && m->has_missing; row++)
            values[row] = values[row] == values[row] ? values[row] : m->missing;
    }
}

static void most_probable(const model *m, prediction *p)
{
    float most[BLOCK];
    for (uint32_t c = 0; c < m->card.n_classes; c++)
        for (int row = 0; row < BLOCK; row++) {
            bool more = !c || p->probabilities[c][row] > most[row];
            most[row] = more ? p->probabilities[c][row] : most[row];
            p->place[row] = more ? (int32_t)c : p->place[row];
        }
}

/* Find rows with a magnitude that no source has: beyond STRANGE_MAG of sedsql/inference/session.py. */
WIDE static void find_strange(const model *m, const workspace *w, int32_t *strange)
{
    for (int row = 0; row < BLOCK; row++)
        strange[row] = 0;
    for (uint32_t k = 0; k < m->card.n_bands; k++) {
        const float *values = graph_column(m, w, k);
        for (int row = 0; row < BLOCK; row++)
            strange[row] |= fabsf(values[row]) > 100;
    }
}

static void rarity(const model *m, const float *distance, const int32_t *strange, double *outlier)
{
    const double *quantiles = m->card.quantiles;
    for (int row = 0; row < BLOCK; row++) {
        double far = distance[row];
        int low = 0, high = 100;
        while (high - low > 1) {
            int middle = (low + high) / 2;
            if (quantiles[middle] <= far)
                low = middle;
            else
                high = middle;
        }
        double step = quantiles[high] - quantiles[low], share = low + (step > 0 ? (far - quantiles[low]) / step : 0);
        share = far >= quantiles[100] ? 100 : far < quantiles[0] ? 0 : share;
        outlier[row] = strange[row] ? 1 : far == far ? share / 100 : far;
    }
}

void model_run(const model *m, unsigned wanted, workspace *w, prediction *p)
{
    const graph *g = &m->graph;
    const value *classes = g->outputs[0], *probabilities = g->outputs[1];
    if (!classes && wanted & WANT_CLASS)
        wanted |= WANT_PROBABILITIES;
    if (!g->outputs[2])
        wanted &= ~(unsigned)WANT_DISTANCE;
    int32_t strange[BLOCK];
    if (wanted & WANT_DISTANCE)
        find_strange(m, w, strange);
    model_count_bands(m, w, p->n_bands);
    graph_run(g, wanted, w);
    p->probabilities = (const float *const *)w->columns + probabilities->first;
    if (!classes)
        most_probable(m, p);
    for (int row = 0; row < BLOCK; row++) {
        int32_t place = classes ? (int32_t)column(w, classes, 0)[row] : p->place[row];
        /* a graph that sedsql did not make may count more classes than its card */
        p->place[row] = p->n_bands[row] < m->card.min_bands || place >= (int32_t)m->card.n_classes ? -1 : place;
    }
    p->has_outlier = wanted & WANT_DISTANCE;
    if (p->has_outlier)
        rarity(m, column(w, g->outputs[2], 0), strange, p->outlier);
}
