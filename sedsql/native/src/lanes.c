#include "lanes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lanes_kernel.h"

enum { MOST_PLANES = 16384, MOST_SHIFT = 20, MOST_SUM = 1 << 24 };

static const lanes_kernel *choose(void)
{
    const char *asked = getenv("SEDSQL_KERNEL");
#ifdef SED_X86
    const lanes_kernel *wide[] = {&lanes_avx512, &lanes_avx2};
    bool can[] = {__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi"),
                  __builtin_cpu_supports("avx2")};
    for (int k = 0; k < 2; k++)
        if (can[k] && (!asked || !strcmp(asked, wide[k]->name)))
            return wide[k];
#endif
    return &lanes_plain;
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
    return t->n_leaves <= MOST_LEAVES;
}

/* The distinct splits of small trees, in order. */
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

/* The search tree of a ranking's thresholds; above the last of them nothing is. */
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

/* Columns with more thresholds than a search tree holds get several rankings. */
static bool rank_columns(arena *from, struct lanes *l, const split *splits, size_t n)
{
    ranking *rankings = arena_take(from, n, sizeof *rankings);
    float *thresholds = arena_take(from, n, sizeof *thresholds);
    if (!rankings || !thresholds)
        return false;
    ranking *r = NULL;
    for (size_t k = 0; k < n; k++) {
        if (!r || r->feature != splits[k].feature || r->n == MOST_RANKS) {
            r = rankings + l->n_rankings++;
            *r = (ranking){thresholds + k, NULL, 0, splits[k].feature, NO_PLANE, NO_PLANE};
        }
        thresholds[k] = splits[k].threshold;
        r->n++;
    }
    l->rankings = rankings;
    for (uint32_t k = 0; k < l->n_rankings; k++)
        if (!plant(from, rankings + k))
            return false;
    return l->n_rankings <= MOST_PLANES / 2;
}

static ranking *ranking_of(struct lanes *l, const tree_node *node)
{
    ranking *low = (ranking *)l->rankings, *end = low + l->n_rankings;
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

static lane_node encoded(struct lanes *l, const tree_node *node)
{
    ranking *r = ranking_of(l, node);
    uint16_t *plane = node->missing_left ? &r->low : &r->high;
    if (*plane == NO_PLANE)
        *plane = (uint16_t)l->n_planes++;
    int place = 0;
    while (place < r->n - 1 && r->thresholds[place] < node->threshold)
        place++;
    uint8_t sides[2];
    for (int k = 0; k < 2; k++) {
        int32_t to = k ? node->right : node->left;
        sides[k] = (uint8_t)(to < 0 ? ~to : INNER + to);
    }
    return (lane_node){*plane, (int8_t)(place - 128), sides[0], sides[1]};
}

/* The power of two of which all votes are multiples that int16 holds; 0 where there is none or sums may be inexact. */
static float common_unit(const forest *f)
{
    if (f->n_targets > MOST_LEAVES || f->end != END_NONE || f->one_score)
        return 0;
    for (uint32_t k = 0; k < f->n_trees; k++) {
        const tree *t = f->trees + k;
        if (!small(t) || !t->weights)
            return 0;
    }
    for (int shift = 0; shift <= MOST_SHIFT; shift++) {
        float scale = ldexpf(1, shift);
        bool fits = true;
        double sums[MOST_LEAVES];
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

static bool order(arena *from, const forest *f, struct lanes *l)
{
    lane_tree *ordered = arena_take(from, f->n_trees, sizeof *ordered);
    lane_run *runs = arena_take(from, f->n_trees, sizeof *runs);
    if (!ordered || !runs)
        return false;
    uint32_t n = 0;
    for (uint32_t target = 0; target < f->n_targets; target++) {
        double most_of_run = INFINITY; /* so that a target begins with a run of its own */
        for (uint32_t k = 0; k < f->n_trees; k++) {
            const tree *t = f->trees + k;
            if (t->target != target)
                continue;
            uint8_t *weights = arena_take(from, 2, MOST_LEAVES);
            if (!weights)
                return false;
            double most = 0;
            for (uint32_t leaf = 0; leaf < t->n_leaves; leaf++) {
                int16_t units = (int16_t)(t->weights[leaf] / l->unit);
                weights[leaf] = (uint8_t)units;
                weights[MOST_LEAVES + leaf] = (uint8_t)((uint16_t)units >> 8);
                most = fmax(most, abs(units));
            }
            if (most_of_run + most > INT16_MAX) {
                runs[l->n_runs++] = (lane_run){target, n, 0};
                most_of_run = 0;
            }
            most_of_run += most;
            runs[l->n_runs - 1].n++;
            ordered[n] = l->trees[k];
            ordered[n++].weights = weights;
        }
    }
    l->ordered = ordered;
    l->runs = runs;
    return true;
}

struct lanes *lanes_plan(arena *from, const forest *f)
{
    struct lanes *l = arena_take(from, 1, sizeof *l);
    size_t n;
    split *splits = distinct(from, f, &n);
    lane_tree *trees = arena_take(from, f->n_trees, sizeof *trees);
    if (!l || !splits || !trees || !rank_columns(from, l, splits, n))
        return NULL;
    for (uint32_t k = 0; k < f->n_trees; k++) {
        const tree *t = f->trees + k;
        if (!small(t))
            continue;
        lane_node *nodes = arena_take(from, t->n_nodes, sizeof *nodes);
        if (!nodes)
            return NULL;
        for (uint32_t i = 0; i < t->n_nodes; i++)
            nodes[i] = encoded(l, t->nodes + i);
        trees[k] = (lane_tree){nodes, NULL, (uint8_t)t->n_nodes, (uint8_t)t->n_leaves};
    }
    l->trees = trees;
    l->kernel = choose();
    l->unit = common_unit(f);
    if (l->unit && !order(from, f, l))
        return NULL;
    return l;
}

bool lanes_has(const struct lanes *l, uint32_t tree)
{
    return l && l->trees[tree].n_leaves;
}

bool lanes_exact(const struct lanes *l)
{
    return l && l->runs;
}

size_t lanes_room(const struct lanes *l)
{
    return l ? sizeof(lanes_scratch) + l->n_planes * sizeof(plane) : 0;
}

void lanes_rank(const struct lanes *l, const float *const *features, void *room)
{
    lanes_scratch *s = room;
    for (int k = 0; k < MOST_LEAVES; k++)
        memset(s->slots[k], k, BLOCK);
    for (const ranking *r = l->rankings; r < l->rankings + l->n_rankings; r++)
        l->kernel->rank(r, features[r->feature], r->low != NO_PLANE ? s->planes[r->low] : NULL,
                        r->high != NO_PLANE ? s->planes[r->high] : NULL);
}

void lanes_leaves(const struct lanes *l, uint32_t tree, void *room, uint8_t *leaves)
{
    l->kernel->leaves(l->trees + tree, room, leaves);
}

void lanes_add(const struct lanes *l, const float *weights, const uint8_t *leaves, float *scores)
{
    l->kernel->add(weights, leaves, scores);
}

void lanes_sum(const struct lanes *l, uint32_t target, void *room, float *scores)
{
    for (const lane_run *run = l->runs; run < l->runs + l->n_runs; run++)
        if (run->target == target)
            l->kernel->sum(l->ordered + run->first, run->n, l->unit, room, scores);
}
