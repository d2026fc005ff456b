#include <string.h>

#include "lanes_kernel.h"

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

static const uint8_t *evaluate(const lane_tree *t, lanes_scratch *s, int row)
{
    for (int n = t->n_nodes - 1; n >= 0; n--) {
        const lane_node *node = t->nodes + n;
        const int8_t *ranks = s->planes[node->plane] + row;
        const uint8_t *left = s->slots[node->left], *right = s->slots[node->right];
        uint8_t *out = s->slots[INNER + n];
        for (int k = 0; k < LANES; k++) {
            uint8_t is_right = (uint8_t)-(ranks[k] > node->rank);
            out[k] = (uint8_t)((right[k] & is_right) | (left[k] & ~is_right));
        }
    }
    return s->slots[t->n_nodes ? INNER : 0];
}

static void leaves(const lane_tree *t, lanes_scratch *s, uint8_t *found)
{
    for (int row = 0; row < BLOCK; row += LANES)
        memcpy(found + row, evaluate(t, s, row), LANES);
}

static void add(const float *weights, const uint8_t *found, float *scores)
{
    for (int row = 0; row < BLOCK; row++)
        scores[row] += weights[found[row]];
}

static void sum(const lane_tree *trees, uint32_t n, float unit, lanes_scratch *s, float *scores)
{
    for (int row = 0; row < BLOCK; row += LANES) {
        int32_t sums[LANES] = {0};
        for (const lane_tree *t = trees; t < trees + n; t++) {
            const uint8_t *found = evaluate(t, s, row);
            for (int k = 0; k < LANES; k++) {
                const uint8_t *bytes = t->weights + found[k];
                sums[k] += (int16_t)(bytes[0] | bytes[MOST_LEAVES] << 8);
            }
        }
        for (int k = 0; k < LANES; k++)
            scores[row + k] += (float)sums[k] * unit;
    }
}

const lanes_kernel lanes_plain = {"plain", rank, leaves, add, sum};
