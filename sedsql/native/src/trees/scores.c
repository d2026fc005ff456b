#include "trees/scores.h"

#include "trees/block.h"
#include "trees/descent.h"
#include "trees/simd_trees.h"

size_t forest_scratch_size(const forest *f)
{
    return simd_trees_scratch_size(f->simd_trees);
}

static void vote_all(const forest *f, const float *const *features, float *const *scores, void *scratch)
{
    uint8_t small[BLOCK];
    uint32_t leaves[BLOCK];
    for (uint32_t k = 0; k < f->n_trees; k++) {
        const tree *t = f->trees + k;
        if (simd_trees_has(f->simd_trees, k)) {
            simd_trees_leaves(f->simd_trees, k, scratch, small);
            if (t->weights) {
                simd_trees_add(f->simd_trees, t->weights, small, scores[t->target]);
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
    return simd_trees_exact(f->simd_trees);
}

static void begin(const forest *f, uint32_t target, float *scores)
{
    for (int row = 0; row < BLOCK; row++)
        scores[row] = f->base[target];
}

void forest_scores_of_two(const forest *f, const float *const *features, const uint32_t *targets,
                          float *const *scores, void *scratch)
{
    simd_trees_rank(f->simd_trees, features, scratch);
    for (int k = 0; k < 2; k++) {
        begin(f, targets[k], scores[k]);
        simd_trees_sum(f->simd_trees, targets[k], scratch, scores[k]);
    }
}

void forest_scores(const forest *f, const float *const *features, float *const *scores, void *scratch)
{
    bool exact = forest_is_exact(f);
    if (f->simd_trees)
        simd_trees_rank(f->simd_trees, features, scratch);
    for (uint32_t c = 0; c < f->n_targets; c++) {
        begin(f, c, scores[c]);
        if (exact)
            simd_trees_sum(f->simd_trees, c, scratch, scores[c]);
    }
    if (!exact)
        vote_all(f, features, scores, scratch);
}
