#include "trees/simd_kernel.h"

#ifdef SED_X86
#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* Write 32 numbers as bytes. Packing works within halves of a register, so groups of four are put back in order. */
AVX2 static inline void store(const __m256i numbers[4], int8_t *to)
{
    __m256i low = _mm256_packs_epi32(numbers[0], numbers[1]), high = _mm256_packs_epi32(numbers[2], numbers[3]);
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256((__m256i *)to, _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order));
}

/* Look up the thresholds at places of one level of the search tree; a register holds eight of them. */
AVX2 static inline __m256 thresholds_at(const __m256 *tree, int level, __m256i at)
{
    __m256 found[4];
    int parts = level < 3 ? 1 : 1 << (level - 3);
    for (int k = 0; k < parts; k++)
        found[k] = _mm256_permutevar8x32_ps(tree[level < 3 ? 0 : parts + k], at);
    for (int bit = 3; parts > 1; bit++, parts /= 2) { /* a blend looks at the sign */
        __m256 upper = _mm256_castsi256_ps(_mm256_slli_epi32(at, 31 - bit));
        for (int k = 0; k < parts / 2; k++)
            found[k] = _mm256_blendv_ps(found[2 * k], found[2 * k + 1], upper);
    }
    return found[0];
}

AVX2 static void rank(const ranking *r, const float *values, int8_t *low, int8_t *high)
{
    __m256 tree[8];
    for (int k = 0; k < 8; k++)
        tree[k] = _mm256_loadu_ps(r->tree + 8 * k);
    for (int row = 0; row < BLOCK; row += 32) {
        __m256i ranks[4];
        __m256 missing[4];
        for (int k = 0; k < 4; k++) {
            __m256 x = _mm256_loadu_ps(values + row + 8 * k);
            __m256i at = _mm256_set1_epi32(1);
            for (int level = 0; level < LEVELS; level++) { /* true is -1 */
                __m256 is_above = _mm256_cmp_ps(x, thresholds_at(tree, level, at), _CMP_GT_OQ);
                at = _mm256_sub_epi32(_mm256_add_epi32(at, at), _mm256_castps_si256(is_above));
            }
            ranks[k] = _mm256_add_epi32(at, _mm256_set1_epi32(-128 - (1 << LEVELS)));
            missing[k] = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
        }
        if (low)
            store(ranks, low + row);
        for (int k = 0; k < 4; k++)
            ranks[k] = _mm256_blendv_epi8(ranks[k], _mm256_set1_epi32(INT8_MAX), _mm256_castps_si256(missing[k]));
        if (high)
            store(ranks, high + row);
    }
}

typedef struct {
    __m256i quarter[4];
} leaves_found;

AVX2 static inline leaves_found compare_nodes(const simd_tree *t, simd_scratch *s, int row)
{
    uint8_t *slots = (uint8_t *)s->slots;
    leaves_found found;
    for (int k = 0; k < 4; k++)
        found.quarter[k] = _mm256_setzero_si256();
    for (int n = t->n_nodes - 1; n >= 0; n--) {
        const simd_node *node = t->nodes + n;
        uint8_t *out = slots + BLOCK * (INNER + n);
        const __m256i *ranks = (const __m256i *)(s->planes[node->plane] + row);
        const __m256i *left = (const __m256i *)(slots + BLOCK * node->left);
        const __m256i *right = (const __m256i *)(slots + BLOCK * node->right);
        __m256i at = _mm256_set1_epi8(node->rank);
        for (int k = 0; k < 4; k++) {
            __m256i is_right = _mm256_cmpgt_epi8(_mm256_loadu_si256(ranks + k), at);
            found.quarter[k] = _mm256_blendv_epi8(left[k], right[k], is_right);
            _mm256_store_si256((__m256i *)out + k, found.quarter[k]);
        }
    }
    return found;
}

AVX2 static void leaves(const simd_tree *t, simd_scratch *s, uint8_t *leaf)
{
    for (int row = 0; row < BLOCK; row += ROWS_AT_ONCE) {
        leaves_found found = compare_nodes(t, s, row);
        for (int k = 0; k < 4; k++)
            _mm256_storeu_si256((__m256i *)(leaf + row) + k, found.quarter[k]);
    }
}

AVX2 static void add(const float *weights, const uint8_t *leaf, float *scores)
{
    for (int row = 0; row < BLOCK; row += 8) {
        __m256i at = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(leaf + row)));
        __m256 found = _mm256_i32gather_ps(weights, at, 4);
        _mm256_storeu_ps(scores + row, _mm256_add_ps(_mm256_loadu_ps(scores + row), found));
    }
}

/* Add the weights of 32 leaves to two sums: of rows 0-7 and 16-23, and of rows 8-15 and 24-31. */
AVX2 static inline void add_units(const simd_tree *t, __m256i leaf, __m256i sums[2])
{
    __m256i low = _mm256_setzero_si256(), high = low;
    for (int first = 0; first < t->n_leaves; first += 16) {
        const uint8_t *bytes = t->weights + first;
        /* a number outside 0 to 15 gets its upper bit set, for which a shuffle gives 0 */
        __m256i at = _mm256_adds_epu8(_mm256_sub_epi8(leaf, _mm256_set1_epi8((char)first)), _mm256_set1_epi8(0x70));
        __m256i low_bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)bytes));
        __m256i high_bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(bytes + SMALL_TREE)));
        low = _mm256_or_si256(low, _mm256_shuffle_epi8(low_bytes, at));
        high = _mm256_or_si256(high, _mm256_shuffle_epi8(high_bytes, at));
    }
    sums[0] = _mm256_add_epi16(sums[0], _mm256_unpacklo_epi8(low, high));
    sums[1] = _mm256_add_epi16(sums[1], _mm256_unpackhi_epi8(low, high));
}

AVX2 static inline void flush(__m128i sums, float unit, float *scores)
{
    __m256 numbers = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(sums)), _mm256_set1_ps(unit));
    _mm256_storeu_ps(scores, _mm256_add_ps(_mm256_loadu_ps(scores), numbers));
}

AVX2 static void sum(const simd_tree *trees, uint32_t n, float unit, simd_scratch *s, float *scores)
{
    for (int row = 0; row < BLOCK; row += ROWS_AT_ONCE) {
        __m256i sums[4][2];
        for (int k = 0; k < 4; k++)
            sums[k][0] = sums[k][1] = _mm256_setzero_si256();
        for (const simd_tree *t = trees; t < trees + n; t++) {
            leaves_found found = compare_nodes(t, s, row);
            for (int k = 0; k < 4; k++)
                add_units(t, found.quarter[k], sums[k]);
        }
        for (int k = 0; k < 4; k++) {
            float *to = scores + row + 32 * k;
            flush(_mm256_castsi256_si128(sums[k][0]), unit, to);
            flush(_mm256_castsi256_si128(sums[k][1]), unit, to + 8);
            flush(_mm256_extracti128_si256(sums[k][0], 1), unit, to + 16);
            flush(_mm256_extracti128_si256(sums[k][1], 1), unit, to + 24);
        }
    }
}

const simd_kernel simd_avx2 = {"avx2", rank, leaves, add, sum};
#endif
