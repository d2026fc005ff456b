/* What the kernels of `lanes` share: one in plain C, one for AVX2, one for AVX-512. */
#ifndef SED_LANES_KERNEL_H
#define SED_LANES_KERNEL_H

#include "block.h"
#include "lanes.h"

enum {
    LANES = 128,               /* rows that a kernel with less than AVX-512 takes at once, in the front of a slot */
    INNER = MOST_LEAVES,       /* slot of the root; before it, slot k holds the number k in every lane */
    SLOTS = 2 * MOST_LEAVES,
    LEVELS = 6,                /* of a search tree of thresholds */
    MOST_RANKS = (1 << LEVELS) - 1,
};

/* A column's thresholds in order, or as many of them as a search tree holds. A missing number is before all of them in
   `low`, after all in `high`; NO_PLANE where no node needs it so. */
enum { NO_PLANE = UINT16_MAX };
typedef struct {
    const float *thresholds;
    const float *tree; /* 1 is the root, 2k and 2k + 1 are below k: the place after the last level tells the rank */
    uint16_t n, feature, low, high;
} ranking;

/* To the right where the plane's rank is above `rank`; `left` and `right` are slots. */
typedef struct {
    uint16_t plane;
    int8_t rank;
    uint8_t left, right;
} lane_node;

/* weights: int16 numbers, the low bytes of all leaves and then the high ones. */
typedef struct {
    const lane_node *nodes;
    const uint8_t *weights;
    uint8_t n_nodes, n_leaves;
} lane_tree;

/* Trees that vote for one target, few enough that int16 holds their sums. */
typedef struct {
    uint32_t target, first, n;
} lane_run;

struct lanes {
    uint32_t n_rankings, n_planes, n_runs;
    const ranking *rankings;
    const lane_tree *trees;   /* in the forest's order; no nodes and no leaves where the forest's tree is too large */
    const lane_tree *ordered; /* by target, for runs */
    const lane_run *runs;     /* NULL where sums are not exact */
    float unit;               /* of the int16 weights */
    const struct lanes_kernel *kernel;
};

typedef int8_t plane[BLOCK];

typedef struct {
    uint8_t slots[SLOTS][BLOCK];
    plane planes[];
} lanes_scratch;

typedef struct lanes_kernel {
    const char *name;
    /* low or high may be NULL */
    void (*rank)(const ranking *r, const float *values, int8_t *low, int8_t *high);
    void (*leaves)(const lane_tree *t, lanes_scratch *s, uint8_t *leaves);
    void (*add)(const float *weights, const uint8_t *leaves, float *scores);
    void (*sum)(const lane_tree *trees, uint32_t n, float unit, lanes_scratch *s, float *scores);
} lanes_kernel;

extern const lanes_kernel lanes_plain;
#if defined(__x86_64__) && defined(__GNUC__)
#define SED_X86 1
extern const lanes_kernel lanes_avx2;
extern const lanes_kernel lanes_avx512;
#endif

#endif
