#include <string.h>

#include "trees/simd_kernel.h"

static void rank(const ranking *r, const float *values, int8_t *low, int8_t *high)
{
    int32_t above[BLOCK] = {0};
    for (int k = 0; k < r->n; k++)
        for (int row = 0; row < BLOCK; row++)
            above[row] += values[row] > r->thresholds[k];
    for (int row = 0; row < BLOCK && low; row++)
        low[row] = (int8_t)(above[row] - 128);
    for (int row = 0; row < BLOCK && high; row++)
        high[row] = (int8_t)(values[row] == values[row] ? above[row] - 128 : INT8_MAX);
}

static const uint8_t *compare_nodes(const simd_tree *t, simd_scratch *s, int row)
{
    for (int n = t->n_nodes - 1; n >= 0; n--) {
        const simd_node *node = t->nodes + n;
        const int8_t *ranks = s->planes[node->plane] + row;
        const uint8_t *left = s->slots[node->left], *right = s->slots[node->right];
        uint8_t *out = s->slots[INNER + n];
        for (int k = 0; k < ROWS_AT_ONCE; k++) {
            uint8_t is_right = (uint8_t)-(ranks[k] > node->rank);
            out[k] = (uint8_t)((right[k] & is_right) | (left[k] & ~is_right));
        }
    }
    return s->slots[t->n_nodes ? INNER : 0];
}

static void leaves(const simd_tree *t, simd_scratch *s, uint8_t *found)
{
    for (int row = 0; row < BLOCK; row += ROWS_AT_ONCE)
        memcpy(found + row, compare_nodes(t, s, row), ROWS_AT_ONCE);
}

static void add(const float *weights, const uint8_t *found, float *scores)
{
    for (int row = 0; row < BLOCK; row++)
        scores[row] += weights[found[row]];
}

static void sum(const simd_tree *trees, uint32_t n, float unit, simd_scratch *s, float *scores)
{
    for (int row = 0; row < BLOCK; row += ROWS_AT_ONCE) {
        int32_t sums[ROWS_AT_ONCE] = {0};
        for (const simd_tree *t = trees; t < trees + n; t++) {
            const uint8_t *found = compare_nodes(t, s, row);
            for (int k = 0; k < ROWS_AT_ONCE; k++) {
                const uint8_t *bytes = t->weights + found[k];
                sums[k] += (int16_t)(bytes[0] | bytes[SMALL_TREE] << 8);
            }
        }
        for (int k = 0; k < ROWS_AT_ONCE; k++)
            scores[row + k] += (float)sums[k] * unit;
    }
}

const simd_kernel simd_portable = {"portable", rank, leaves, add, sum};
