#include "trees/descent.h"

#include <math.h>

#include "trees/block.h"
#include "trees/simd_trees.h"

enum { SIDE_BY_SIDE = 16 };

/* A node's children stand next to each other, so a step is an addition. A leaf is its own left child, and every number
   goes there. */
typedef struct {
    float threshold;
    uint32_t child;
    uint16_t feature;
    uint16_t missing_left;
    uint32_t leaf;
} step;

struct descent {
    const step **roots; /* of each tree; NULL where simd_trees has it */
    uint32_t *depths;
};

struct descent *descent_plan(arena *from, const forest *f)
{
    struct descent *d = arena_take(from, 1, sizeof *d);
    if (!d || !(d->roots = arena_take(from, f->n_trees, sizeof *d->roots)) ||
        !(d->depths = arena_take(from, f->n_trees, sizeof *d->depths)))
        return NULL;
    bool any = false;
    for (uint32_t k = 0; k < f->n_trees; k++) {
        const tree *t = f->trees + k;
        if (simd_trees_has(f->simd_trees, k))
            continue;
        any = true;
        step *steps = arena_take(from, t->n_nodes + t->n_leaves, sizeof *steps);
        uint32_t *places = arena_take(from, t->n_nodes, sizeof *places); /* of inner nodes among the steps */
        if (!steps || !places)
            return NULL;
        uint32_t used = 1;
        if (!t->n_nodes)
            steps[0] = (step){INFINITY, 0, 0, 1, 0};
        for (uint32_t n = 0; n < t->n_nodes; n++) {
            const tree_node *node = t->nodes + n;
            steps[places[n]] = (step){node->threshold, used, node->feature, node->missing_left, 0};
            for (int32_t side = 0; side < 2; side++) {
                int32_t to = side ? node->right : node->left;
                if (to >= 0)
                    places[to] = used;
                else
                    steps[used] = (step){INFINITY, used, 0, 1, (uint32_t)~to};
                used++;
            }
        }
        d->roots[k] = steps;
        d->depths[k] = t->depth;
    }
    return any ? d : NULL;
}

void descent_leaves(const struct descent *d, uint32_t tree, const float *const *features, uint32_t *leaves)
{
    const step *steps = d->roots[tree];
    for (int row = 0; row < BLOCK; row += SIDE_BY_SIDE) {
        uint32_t at[SIDE_BY_SIDE] = {0};
        for (uint32_t level = 0; level < d->depths[tree]; level++)
            for (int k = 0; k < SIDE_BY_SIDE; k++) {
                const step *now = steps + at[k];
                float x = features[now->feature][row + k];
                uint32_t left = (x <= now->threshold) | ((x != x) & now->missing_left);
                at[k] = now->child + !left;
            }
        for (int k = 0; k < SIDE_BY_SIDE; k++)
            leaves[row + k] = steps[at[k]].leaf;
    }
}
