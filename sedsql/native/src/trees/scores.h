/* Scores of a block of rows: for each target, the sum of the votes of all trees. */
#ifndef SED_TREES_SCORES_H
#define SED_TREES_SCORES_H

#include "trees/forest.h"

/* Bytes of scratch memory, aligned to 64, that the functions below need. */
size_t forest_scratch_size(const forest *f);

/* Add up the votes: columns of BLOCK rows in, a column of BLOCK sums for each target out; missing = NaN. */
void forest_scores(const forest *f, const float *const *features, float *const *scores, void *scratch);

/* Whether every sum of votes is exact in float32, in whatever order it is made. */
bool forest_is_exact(const forest *f);

/* Add up the votes for two targets alone; the forest must be exact. */
void forest_scores_of_two(const forest *f, const float *const *features, const uint32_t *targets,
                          float *const *scores, void *scratch);

#endif
