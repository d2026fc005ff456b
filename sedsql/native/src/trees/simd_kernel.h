/* What the kernels of simd_trees.c share: one in portable C, one for AVX2, one for AVX-512. */
#ifndef SED_TREES_SIMD_KERNEL_H
#define SED_TREES_SIMD_KERNEL_H

#include "trees/block.h"
#include "trees/forest.h"

enum {
    ROWS_AT_ONCE = 128, /* rows that a kernel below AVX-512 takes at once; it uses the front of each slot */
    INNER = SMALL_TREE, /* the root's slot; before it, slot k holds the number k for every row */
    SLOTS = 2 * SMALL_TREE,
    LEVELS = 6, /* of a search tree of thresholds */
    MOST_RANKS = (1 << LEVELS) - 1,
};

/* The thresholds of a column in order, or as many of them as a search tree holds. Ranks of numbers go to two planes: a
   missing number is before all thresholds in `low`, after all in `high`; NO_PLANE where no node needs that plane. */
enum { NO_PLANE = UINT16_MAX };
typedef struct {
    const float *thresholds;
    const float *tree; /* 1 is the root, 2k and 2k + 1 are below k; the place below the last level tells the rank */
    uint16_t n, feature, low, high;
} ranking;

/* A node: go to the right where the plane's rank is above `rank`; `left` and `right` are slots. */
typedef struct {
    uint16_t plane;
    int8_t rank;
    uint8_t left, right;
} simd_node;

/* A tree; its weights are int16 numbers: the low bytes of all leaves, then the high bytes. */
typedef struct {
    const simd_node *nodes;
    const uint8_t *weights;
    uint8_t n_nodes, n_leaves;
} simd_tree;

/* Consecutive trees that vote for one target, few enough that int16 holds their sums. */
typedef struct {
    uint32_t target, first, n;
} simd_run;

struct simd_trees {
    uint32_t n_rankings, n_planes, n_runs;
    const ranking *rankings;
    const simd_tree *trees;   /* in the forest's order; without nodes and leaves where the forest's tree is large */
    const simd_tree *ordered; /* by target, for the runs */
    const simd_run *runs;     /* NULL where sums are not exact */
    float unit;               /* of the int16 weights */
    const struct simd_kernel *kernel;
};

typedef int8_t plane[BLOCK];

typedef struct {
    uint8_t slots[SLOTS][BLOCK];
    plane planes[];
} simd_scratch;

typedef struct simd_kernel {
    const char *name;
    /* Rank the values of BLOCK rows; low or high may be NULL. */
    void (*rank)(const ranking *r, const float *values, int8_t *low, int8_t *high);
    void (*leaves)(const simd_tree *t, simd_scratch *s, uint8_t *leaves);
    void (*add)(const float *weights, const uint8_t *leaves, float *scores);
    void (*sum)(const simd_tree *trees, uint32_t n, float unit, simd_scratch *s, float *scores);
} simd_kernel;

extern const simd_kernel simd_portable;
#if defined(__x86_64__) && defined(__GNUC__)
#define SED_X86 1
extern const simd_kernel simd_avx2;
extern const simd_kernel simd_avx512;
#endif

#endif
