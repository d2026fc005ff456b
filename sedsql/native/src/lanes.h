/* Trees of at most 64 leaves, a byte a row.

   A threshold is compared only with others of its column, so a number may stand for its rank among them: one byte.
   All nodes of a tree are compared, for as many rows at once as a register has bytes, and answers are joined from the
   leaves up by blending: no branch, no wait for memory. It costs some six instructions a node for 32 rows.
   The idea of comparing every node is QuickScorer's (Lucchese et al. 2015, SIGIR, section 3), there with bit masks. */
#ifndef SED_LANES_H
#define SED_LANES_H

#include "forest.h"

enum { MOST_LEAVES = 64 };

/* The forest's small trees; NULL where there are none. */
struct lanes *lanes_plan(arena *from, const forest *f);

bool lanes_has(const struct lanes *l, uint32_t tree);

/* Whether all trees are here and every sum of their votes is exact in float32, in whatever order it is made. */
bool lanes_exact(const struct lanes *l);

size_t lanes_room(const struct lanes *l);

/* Ranks of BLOCK rows, which the functions below work on. */
void lanes_rank(const struct lanes *l, const float *const *features, void *room);

/* The leaves that BLOCK rows come to in the tree of this number. */
void lanes_leaves(const struct lanes *l, uint32_t tree, void *room, uint8_t *leaves);

/* Adds each row's leaf's weight, of 64, to its score. */
void lanes_add(const struct lanes *l, const float *weights, const uint8_t *leaves, float *scores);

/* Adds all votes for a target to its scores of BLOCK rows; where sums are exact. */
void lanes_sum(const struct lanes *l, uint32_t target, void *room, float *scores);

#endif
