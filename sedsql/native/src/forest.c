#include "forest.h"

#include <math.h>
#include <string.h>

#include "block.h"
#include "descent.h"
#include "graph.h"
#include "lanes.h"

size_t forest_room(const forest *f)
{
    return lanes_room(f->lanes);
}

static void logistic(float *scores)
{
    for (int row = 0; row < BLOCK; row++)
        scores[row] = 1 / (1 + expf(-scores[row]));
}

static void finish(const forest *f, float *const *scores)
{
    if (f->one_score) { /* as ONNX Runtime does: the first class has what the second lacks, or its opposite */
        float *first = scores[0], *second = scores[1];
        for (int row = 0; row < BLOCK; row++)
            first[row] = f->all_positive ? 1 - second[row] : -second[row];
        if (f->all_positive || f->end == END_SOFTMAX)
            return;
    }
    if (f->end == END_LOGISTIC)
        for (uint32_t c = 0; c < f->n_targets; c++)
            logistic(scores[c]);
    if (f->end == END_SOFTMAX)
        softmax(scores, f->n_targets);
}

static void vote_all(const forest *f, const float *const *features, float *const *scores, void *room)
{
    uint8_t small[BLOCK];
    uint32_t leaves[BLOCK];
    for (uint32_t k = 0; k < f->n_trees; k++) {
        const tree *t = f->trees + k;
        if (lanes_has(f->lanes, k)) {
            lanes_leaves(f->lanes, k, room, small);
            if (t->weights) {
                lanes_add(f->lanes, t->weights, small, scores[t->target]);
                continue;
            }
            for (int row = 0; row < BLOCK; row++)
                leaves[row] = small[row];
        } else {
            descent_leaves(f->descent, k, features, leaves);
        }
        for (int row = 0; row < BLOCK; row++)
            for (uint32_t v = t->votes[leaves[row]]; v < t->votes[leaves[row] + 1]; v++)
                scores[f->votes[v].target][row] += f->votes[v].weight;
    }
}

bool forest_is_exact(const forest *f)
{
    return lanes_exact(f->lanes);
}

static void begin(const forest *f, uint32_t target, float *scores)
{
    for (int row = 0; row < BLOCK; row++)
        scores[row] = f->base[target];
}

void forest_two(const forest *f, const float *const *features, const uint32_t *targets, float *const *scores,
                void *room)
{
    lanes_rank(f->lanes, features, room);
    for (int k = 0; k < 2; k++) {
        begin(f, targets[k], scores[k]);
        lanes_sum(f->lanes, targets[k], room, scores[k]);
    }
}

void forest_scores(const forest *f, const float *const *features, float *const *scores, void *room)
{
    bool exact = lanes_exact(f->lanes);
    if (f->lanes)
        lanes_rank(f->lanes, features, room);
    for (uint32_t c = 0; c < f->n_targets; c++) {
        begin(f, c, scores[c]);
        if (exact)
            lanes_sum(f->lanes, c, room, scores[c]);
    }
    if (!exact)
        vote_all(f, features, scores, room);
    finish(f, scores);
}
