/* A tree ensemble of ONNX, and how it is evaluated. */
#ifndef SED_FOREST_H
#define SED_FOREST_H

#include <stdint.h>

#include "arena.h"
#include "failure.h"
#include "onnx.h"

/* What is done to the sums of a row. */
enum forest_end { END_NONE, END_LOGISTIC, END_SOFTMAX };

/* An inner node: to the left where x <= threshold, or where x is missing and missing_left. */
typedef struct {
    float threshold;
    uint16_t feature;
    uint8_t missing_left;
    int32_t left, right; /* an inner node of the tree, or ~leaf */
} tree_node;

/* Nodes in the order of a walk from the root, children after their parents; leaves from the left to the right. */
typedef struct {
    uint32_t n_nodes, n_leaves, depth;
    const tree_node *nodes;
    const uint32_t *votes; /* n_leaves + 1 places in the forest's votes: those of leaf k are [votes[k], votes[k + 1]) */
    const float *weights;  /* of the leaves, at least 64, where each has one vote, for `target`; NULL otherwise */
    uint32_t target;
} tree;

typedef struct {
    float weight;
    uint32_t target;
} vote;

typedef struct {
    uint32_t n_trees, n_features, n_targets;
    const tree *trees;
    const vote *votes;
    const float *base; /* a number for each target */
    enum forest_end end;
    bool one_score; /* of two classes, only the second has a score */
    bool all_positive;
    struct lanes *lanes;
    struct descent *descent;
} forest;

/* The forest of a TreeEnsembleRegressor or TreeEnsembleClassifier (ai.onnx.ml 1 to 3) over `width` features. */
bool forest_read(arena *from, const onnx_node *node, uint32_t width, forest *f, failure *why);

/* Bytes that `forest_scores` needs for its own use, aligned to 64. */
size_t forest_room(const forest *f);

/* Whether scores are plain sums, exact in float32. */
bool forest_is_exact(const forest *f);

/* The scores of two targets alone, of an exact forest. */
void forest_two(const forest *f, const float *const *features, const uint32_t *targets, float *const *scores,
                void *room);

/* Columns of BLOCK rows in, columns of BLOCK sums for each target out; missing = NaN. */
void forest_scores(const forest *f, const float *const *features, float *const *scores, void *room);

#endif
