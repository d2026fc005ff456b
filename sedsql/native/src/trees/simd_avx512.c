#include "trees/simd_kernel.h"

#ifdef SED_X86
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi")))

/* Go six steps down the search tree; the thresholds of a level lie in one register, or in two. */
AVX512 static void rank(const ranking *r, const float *values, int8_t *low, int8_t *high)
{
    const __m512i one = _mm512_set1_epi32(1), shift = _mm512_set1_epi32(-128 - (1 << LEVELS));
    __m512 tree[4];
    for (int k = 0; k < 4; k++)
        tree[k] = _mm512_loadu_ps(r->tree + 16 * k);
    for (int row = 0; row < BLOCK; row += 64) {
        __m512 x[4];
        __m512i at[4];
        for (int k = 0; k < 4; k++) {
            x[k] = _mm512_loadu_ps(values + row + 16 * k);
            at[k] = one;
        }
        for (int level = 0; level < LEVELS; level++)
            for (int k = 0; k < 4; k++) {
                __m512 threshold = level < 4    ? _mm512_permutexvar_ps(at[k], tree[0])
                                   : level == 4 ? _mm512_permutexvar_ps(at[k], tree[1])
                                                : _mm512_permutex2var_ps(tree[2], at[k], tree[3]);
                __mmask16 is_above = _mm512_cmp_ps_mask(x[k], threshold, _CMP_GT_OQ);
                at[k] = _mm512_add_epi32(at[k], at[k]);
                at[k] = _mm512_mask_add_epi32(at[k], is_above, at[k], one);
            }
        for (int k = 0; k < 4; k++) {
            __m512i ranks = _mm512_add_epi32(at[k], shift);
            __mmask16 missing = _mm512_cmp_ps_mask(x[k], x[k], _CMP_UNORD_Q);
            if (low)
                _mm_storeu_si128((__m128i *)(low + row + 16 * k), _mm512_cvtepi32_epi8(ranks));
            ranks = _mm512_mask_mov_epi32(ranks, missing, _mm512_set1_epi32(INT8_MAX));
            if (high)
                _mm_storeu_si128((__m128i *)(high + row + 16 * k), _mm512_cvtepi32_epi8(ranks));
        }
    }
}

/* All rows of a block are taken at once, in four registers, so that each node is read once. */
enum { PARTS = BLOCK / 64 };

typedef struct {
    __m512i part[PARTS];
} leaves_found;

AVX512 static inline leaves_found compare_nodes(const simd_tree *t, simd_scratch *s)
{
    uint8_t *slots = (uint8_t *)s->slots;
    leaves_found found;
    for (int k = 0; k < PARTS; k++)
        found.part[k] = _mm512_setzero_si512();
    for (int n = t->n_nodes - 1; n >= 0; n--) {
        const simd_node *node = t->nodes + n;
        uint8_t *out = slots + BLOCK * (INNER + n);
        const int8_t *ranks = s->planes[node->plane];
        const uint8_t *left = slots + BLOCK * node->left, *right = slots + BLOCK * node->right;
        __m512i at = _mm512_set1_epi8(node->rank);
        for (int k = 0; k < PARTS; k++) {
            __mmask64 is_right = _mm512_cmpgt_epi8_mask(_mm512_loadu_si512(ranks + 64 * k), at);
            found.part[k] = _mm512_mask_blend_epi8(is_right, _mm512_load_si512(left + 64 * k),
                                                   _mm512_load_si512(right + 64 * k));
            _mm512_store_si512(out + 64 * k, found.part[k]);
        }
    }
    return found;
}

AVX512 static void leaves(const simd_tree *t, simd_scratch *s, uint8_t *leaf)
{
    leaves_found found = compare_nodes(t, s);
    for (int k = 0; k < PARTS; k++)
        _mm512_storeu_si512(leaf + 64 * k, found.part[k]);
}

AVX512 static void add(const float *weights, const uint8_t *leaf, float *scores)
{
    __m512 table[4];
    for (int k = 0; k < 4; k++)
        table[k] = _mm512_loadu_ps(weights + 16 * k);
    for (int row = 0; row < BLOCK; row += 16) {
        __m512i at = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(leaf + row)));
        __m512 low = _mm512_permutex2var_ps(table[0], at, table[1]);
        __m512 high = _mm512_permutex2var_ps(table[2], at, table[3]);
        __mmask16 is_high = _mm512_test_epi32_mask(at, _mm512_set1_epi32(32));
        __m512 found = _mm512_mask_blend_ps(is_high, low, high);
        _mm512_storeu_ps(scores + row, _mm512_add_ps(_mm512_loadu_ps(scores + row), found));
    }
}

AVX512 static inline void flush(__m128i sums, float unit, float *scores)
{
    __m256 numbers = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(sums)), _mm256_set1_ps(unit));
    _mm256_storeu_ps(scores, _mm256_add_ps(_mm256_loadu_ps(scores), numbers));
}

AVX512 static void sum(const simd_tree *trees, uint32_t n, float unit, simd_scratch *s, float *scores)
{
    __m512i even[PARTS], odd[PARTS]; /* groups of eight rows */
    for (int k = 0; k < PARTS; k++)
        even[k] = odd[k] = _mm512_setzero_si512();
    for (const simd_tree *t = trees; t < trees + n; t++) {
        leaves_found found = compare_nodes(t, s);
        __m512i low_bytes = _mm512_load_si512(t->weights), high_bytes = _mm512_load_si512(t->weights + SMALL_TREE);
        for (int k = 0; k < PARTS; k++) {
            __m512i low = _mm512_permutexvar_epi8(found.part[k], low_bytes);
            __m512i high = _mm512_permutexvar_epi8(found.part[k], high_bytes);
            even[k] = _mm512_add_epi16(even[k], _mm512_unpacklo_epi8(low, high));
            odd[k] = _mm512_add_epi16(odd[k], _mm512_unpackhi_epi8(low, high));
        }
    }
    for (int k = 0; k < PARTS; k++) {
        float *to = scores + 64 * k;
        flush(_mm512_castsi512_si128(even[k]), unit, to);
        flush(_mm512_castsi512_si128(odd[k]), unit, to + 8);
        flush(_mm512_extracti32x4_epi32(even[k], 1), unit, to + 16);
        flush(_mm512_extracti32x4_epi32(odd[k], 1), unit, to + 24);
        flush(_mm512_extracti32x4_epi32(even[k], 2), unit, to + 32);
        flush(_mm512_extracti32x4_epi32(odd[k], 2), unit, to + 40);
        flush(_mm512_extracti32x4_epi32(even[k], 3), unit, to + 48);
        flush(_mm512_extracti32x4_epi32(odd[k], 3), unit, to + 56);
    }
}

const simd_kernel simd_avx512 = {"avx512", rank, leaves, add, sum};
#endif
