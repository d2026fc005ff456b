/* Trees out of the lists in which ONNX's TreeEnsemble operators describe them. */
#ifndef SED_TREES_BUILD_H
#define SED_TREES_BUILD_H

#include "text/arena.h"
#include "text/failure.h"
#include "text/text.h"
#include "trees/forest.h"

/* An entry of the first lists is a node, one of the vote lists a leaf's vote. */
typedef struct {
    size_t n_nodes;
    const int64_t *trees, *nodes, *features, *lefts, *rights;
    const int64_t *missing; /* not 0 where a missing value makes the comparison true; NULL: nowhere */
    const float *values;
    const text *modes;
    size_t n_votes;
    const int64_t *vote_trees, *vote_nodes, *vote_targets;
    const float *vote_weights;
} tree_lists;

/* Check the lists and build a forest from them; n_features, n_targets and base of `f` must be set. On failure give
   half a sentence, which goes on from the model's name. */
bool forest_build(arena *from, const tree_lists *lists, forest *f, failure *error);

#endif
