#include "trees/simd_trees.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "trees/simd_kernel.h"

enum { MOST_PLANES = 16384, MOST_SHIFT = 20, MOST_SUM = 1 << 24, MOST_TARGETS = 64 };

/* Choose the widest kernel that this processor runs, or the one that $SEDSQL_KERNEL names. */
static const simd_kernel *choose(void)
{
    const char *wanted = getenv("SEDSQL_KERNEL");
#ifdef SED_X86
    const simd_kernel *wide[] = {&simd_avx512, &simd_avx2};
    bool can[] = {__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi"),
                  __builtin_cpu_supports("avx2")};
    for (int k = 0; k < 2; k++)
        if (can[k] && (!wanted || !strcmp(wanted, wide[k]->name)))
            return wide[k];
#endif
    return &simd_portable;
}

typedef struct {
    float threshold;
    uint16_t feature;
} split;

static int by_split(const void *one, const void *other)
{
    const split *a = one, *b = other;
    if (a->feature != b->feature)
        return a->feature < b->feature ? -1 : 1;
    return a->threshold < b->threshold ? -1 : a->threshold > b->threshold;
}

static bool small(const tree *t)
{
    return t->n_leaves <= SMALL_TREE;
}

/* Collect the distinct splits of small trees, in order. */
static split *distinct(arena *from, const forest *f, size_t *count)
{
    size_t n = 0;
    for (uint32_t k = 0; k < f->n_trees; k++)
        n += small(f->trees + k) ? f->trees[k].n_nodes : 0;
    split *all = arena_take(from, n, sizeof *all);
    n = 0;
    for (uint32_t k = 0; all && k < f->n_trees; k++)
        for (uint32_t i = 0; small(f->trees + k) && i < f->trees[k].n_nodes; i++) {
            const tree_node *node = f->trees[k].nodes + i;
            all[n++] = (split){node->threshold + 0.0f, node->feature}; /* + 0: -0 and 0 are one threshold */
        }
    if (all)
        qsort(all, n, sizeof *all, by_split);
    size_t kept = 0;
    for (size_t k = 0; all && k < n; k++)
        if (!k || by_split(all + k, all + kept - 1))
            all[kept++] = all[k];
    *count = kept;
    return all;
}

/* Make the search tree of a ranking's thresholds, with infinity where it has fewer than the tree holds. */
static bool plant(arena *from, ranking *r)
{
    float *tree = arena_take(from, MOST_RANKS + 1, sizeof *tree);
    for (int level = 0; tree && level < LEVELS; level++)
        for (int k = 0; k < 1 << level; k++) {
            int place = ((2 * k + 1) << (LEVELS - 1 - level)) - 1;
            tree[(1 << level) + k] = place < r->n ? r->thresholds[place] : INFINITY;
        }
    r->tree = tree;
    return tree;
}

/* Make the rankings; a column with more thresholds than a search tree holds gets several. */
static bool rank_columns(arena *from, struct simd_trees *planned, const split *splits, size_t n)
{
    ranking *rankings = arena_take(from, n, sizeof *rankings);
    float *thresholds = arena_take(from, n, sizeof *thresholds);
    if (!rankings || !thresholds)
        return false;
    ranking *r = NULL;
    for (size_t k = 0; k < n; k++) {
        if (!r || r->feature != splits[k].feature || r->n == MOST_RANKS) {
            r = rankings + planned->n_rankings++;
            *r = (ranking){thresholds + k, NULL, 0, splits[k].feature, NO_PLANE, NO_PLANE};
        }
        thresholds[k] = splits[k].threshold;
        r->n++;
    }
    planned->rankings = rankings;
    for (uint32_t k = 0; k < planned->n_rankings; k++)
        if (!plant(from, rankings + k))
            return false;
    return planned->n_rankings <= MOST_PLANES / 2;
}

static ranking *ranking_of(struct simd_trees *planned, const tree_node *node)
{
    ranking *low = (ranking *)planned->rankings, *end = low + planned->n_rankings;
    while (end - low > 1) {
        ranking *middle = low + (end - low) / 2;
        split wanted = {node->threshold, node->feature}, begins = {middle->thresholds[0], middle->feature};
        if (by_split(&begins, &wanted) <= 0)
            low = middle;
        else
            end = middle;
    }
    return low;
}

static simd_node encoded(struct simd_trees *planned, const tree_node *node)
{
    ranking *r = ranking_of(planned, node);
    uint16_t *plane = node->missing_left ? &r->low : &r->high;
    if (*plane == NO_PLANE)
        *plane = (uint16_t)planned->n_planes++;
    int place = 0;
    while (place < r->n - 1 && r->thresholds[place] < node->threshold)
        place++;
    uint8_t children[2];
    for (int k = 0; k < 2; k++) {
        int32_t to = k ? node->right : node->left;
        children[k] = (uint8_t)(to < 0 ? ~to : INNER + to);
    }
    return (simd_node){*plane, (int8_t)(place - 128), children[0], children[1]};
}

/* Find the power of two of which all votes are multiples that int16 holds; 0 where there is none or where sums may be
   inexact. */
static float common_unit(const forest *f)
{
    if (f->n_targets > MOST_TARGETS)
        return 0;
    for (uint32_t k = 0; k < f->n_trees; k++) {
        const tree *t = f->trees + k;
        if (!small(t) || !t->weights)
            return 0;
    }
    for (int shift = 0; shift <= MOST_SHIFT; shift++) {
        float scale = ldexpf(1, shift);
        bool fits = true;
        double sums[MOST_TARGETS];
        for (uint32_t c = 0; c < f->n_targets; c++) {
            sums[c] = fabs((double)f->base[c] * scale);
            fits &= f->base[c] * scale == rintf(f->base[c] * scale);
        }
        for (uint32_t k = 0; fits && k < f->n_trees; k++) {
            const tree *t = f->trees + k;
            double most = 0;
            for (uint32_t leaf = 0; leaf < t->n_leaves; leaf++) {
                float units = t->weights[leaf] * scale;
                fits &= units == rintf(units) && fabsf(units) <= INT16_MAX;
                most = fmax(most, fabsf(units));
            }
            sums[t->target] += most;
        }
        for (uint32_t c = 0; c < f->n_targets; c++)
            fits &= sums[c] < MOST_SUM;
        if (fits)
            return 1 / scale;
    }
    return 0;
}

/* Order the trees by target, and divide them into runs. */
static bool order(arena *from, const forest *f, struct simd_trees *planned)
{
    simd_tree *ordered = arena_take(from, f->n_trees, sizeof *ordered);
    simd_run *runs = arena_take(from, f->n_trees, sizeof *runs);
    if (!ordered || !runs)
        return false;
    uint32_t n = 0;
    for (uint32_t target = 0; target < f->n_targets; target++) {
        double most_of_run = INFINITY; /* so that every target begins a run */
        for (uint32_t k = 0; k < f->n_trees; k++) {
            const tree *t = f->trees + k;
            if (t->target != target)
                continue;
            uint8_t *weights = arena_take(from, 2, SMALL_TREE);
            if (!weights)
                return false;
            double most = 0;
            for (uint32_t leaf = 0; leaf < t->n_leaves; leaf++) {
                int16_t units = (int16_t)(t->weights[leaf] / planned->unit);
                weights[leaf] = (uint8_t)units;
                weights[SMALL_TREE + leaf] = (uint8_t)((uint16_t)units >> 8);
                most = fmax(most, abs(units));
            }
            if (most_of_run + most > INT16_MAX) {
                runs[planned->n_runs++] = (simd_run){target, n, 0};
                most_of_run = 0;
            }
            most_of_run += most;
            runs[planned->n_runs - 1].n++;
            ordered[n] = planned->trees[k];
            ordered[n++].weights = weights;
        }
    }
    planned->ordered = ordered;
    planned->runs = runs;
    return true;
}

struct simd_trees *simd_trees_plan(arena *from, const forest *f)
{
    struct simd_trees *planned = arena_take(from, 1, sizeof *planned);
    size_t n;
    split *splits = distinct(from, f, &n);
    simd_tree *trees = arena_take(from, f->n_trees, sizeof *trees);
    if (!planned || !splits || !trees || !rank_columns(from, planned, splits, n))
        return NULL;
    for (uint32_t k = 0; k < f->n_trees; k++) {
        const tree *t = f->trees + k;
        if (!small(t))
            continue;
        simd_node *nodes = arena_take(from, t->n_nodes, sizeof *nodes);
        if (!nodes)
            return NULL;
        for (uint32_t i = 0; i < t->n_nodes; i++)
            nodes[i] = encoded(planned, t->nodes + i);
        trees[k] = (simd_tree){nodes, NULL, (uint8_t)t->n_nodes, (uint8_t)t->n_leaves};
    }
    planned->trees = trees;
    planned->kernel = choose();
    planned->unit = common_unit(f);
    if (planned->unit && !order(from, f, planned))
        return NULL;
    return planned;
}

bool simd_trees_has(const struct simd_trees *planned, uint32_t tree)
{
    return planned && planned->trees[tree].n_leaves;
}

bool simd_trees_exact(const struct simd_trees *planned)
{
    return planned && planned->runs;
}

size_t simd_trees_scratch_size(const struct simd_trees *planned)
{
    return planned ? sizeof(simd_scratch) + planned->n_planes * sizeof(plane) : 0;
}

void simd_trees_rank(const struct simd_trees *planned, const float *const *features, void *scratch)
{
    simd_scratch *s = scratch;
    for (int k = 0; k < SMALL_TREE; k++)
        memset(s->slots[k], k, BLOCK);
    for (const ranking *r = planned->rankings; r < planned->rankings + planned->n_rankings; r++)
        planned->kernel->rank(r, features[r->feature], r->low != NO_PLANE ? s->planes[r->low] : NULL,
                        r->high != NO_PLANE ? s->planes[r->high] : NULL);
}

void simd_trees_leaves(const struct simd_trees *planned, uint32_t tree, void *scratch, uint8_t *leaves)
{
    planned->kernel->leaves(planned->trees + tree, scratch, leaves);
}

void simd_trees_add(const struct simd_trees *planned, const float *weights, const uint8_t *leaves, float *scores)
{
    planned->kernel->add(weights, leaves, scores);
}

void simd_trees_sum(const struct simd_trees *planned, uint32_t target, void *scratch, float *scores)
{
    for (const simd_run *run = planned->runs; run < planned->runs + planned->n_runs; run++)
        if (run->target == target)
            planned->kernel->sum(planned->ordered + run->first, run->n, planned->unit, scratch, scores);
}
