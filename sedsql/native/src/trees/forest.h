/* A forest of decision trees, and the two forms in which it is evaluated. */
#ifndef SED_TREES_FOREST_H
#define SED_TREES_FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMALL_TREE = 64 }; /* leaves of the largest tree that simd_trees.h evaluates */

/* An inner node: go to the left where x <= threshold, or where x is missing and missing_left. */
typedef struct {
    float threshold;
    uint16_t feature;
    uint8_t missing_left;
    int32_t left, right; /* an inner node of the tree, or ~leaf */
} tree_node;

/* Nodes stand in the order of a walk from the root, children after their parents; leaves from left to right. */
typedef struct {
    uint32_t n_nodes, n_leaves, depth;
    const tree_node *nodes;
    const uint32_t *votes; /* n_leaves + 1 places in the forest's votes: leaf k has [votes[k], votes[k + 1]) */
    const float *weights;  /* of the leaves, at least SMALL_TREE, where each has one vote, for `target`; else NULL */
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
    const float *base; /* a number for each target, to which votes are added */
    struct simd_trees *simd_trees;
    struct descent *descent;
} forest;

#endif
