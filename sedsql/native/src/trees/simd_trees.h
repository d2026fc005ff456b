/* Trees of at most 64 leaves, evaluated without branches: one byte per row in a SIMD register.

   A threshold is compared only with others of its column, so a number may stand for its rank among them: one byte.
   All nodes of a tree are compared, for as many rows at once as a register has bytes, and answers are joined from the
   leaves up by blending: no branch, no wait for memory. It costs some six instructions per node for 32 rows.
   The idea of comparing every node is QuickScorer's (Lucchese et al. 2015, SIGIR, section 3), there with bit masks. */
#ifndef SED_TREES_SIMD_TREES_H
#define SED_TREES_SIMD_TREES_H

#include "text/arena.h"
#include "trees/forest.h"

/* Prepare the forest's small trees; NULL without memory or with too many thresholds. */
struct simd_trees *simd_trees_plan(arena *from, const forest *f);

/* Whether the tree of this number is a small one. */
bool simd_trees_has(const struct simd_trees *planned, uint32_t tree);

/* Whether all trees are small and every sum of their votes is exact in float32, in whatever order it is made. */
bool simd_trees_exact(const struct simd_trees *planned);

size_t simd_trees_scratch_size(const struct simd_trees *planned);

/* Rank the numbers of BLOCK rows into the scratch memory, from which the functions below work. */
void simd_trees_rank(const struct simd_trees *planned, const float *const *features, void *scratch);

/* Find the leaves that BLOCK rows come to in the tree of this number. */
void simd_trees_leaves(const struct simd_trees *planned, uint32_t tree, void *scratch, uint8_t *leaves);

/* Add the weight of each row's leaf, one of SMALL_TREE, to the row's score. */
void simd_trees_add(const struct simd_trees *planned, const float *weights, const uint8_t *leaves, float *scores);

/* Add all votes for a target to the scores of BLOCK rows; sums must be exact. */
void simd_trees_sum(const struct simd_trees *planned, uint32_t target, void *scratch, float *scores);

#endif
