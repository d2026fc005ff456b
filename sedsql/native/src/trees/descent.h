/* Trees of any size, walked from the root down: 16 rows at once, so that some go on while others wait for memory. */
#ifndef SED_TREES_DESCENT_H
#define SED_TREES_DESCENT_H

#include "text/arena.h"
#include "trees/forest.h"

/* Prepare the trees that simd_trees.h does not take; NULL where there are none. */
struct descent *descent_plan(arena *from, const forest *f);

/* Find the leaves that BLOCK rows come to in the tree of this number. */
void descent_leaves(const struct descent *d, uint32_t tree, const float *const *features, uint32_t *leaves);

#endif
