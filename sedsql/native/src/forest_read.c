/* The attributes of a tree ensemble, checked, as trees. */
#include <math.h>
#include <stdlib.h>

#include "descent.h"
#include "forest.h"
#include "lanes.h"

enum { MOST_TARGETS = 1024 };

typedef struct {
    int64_t tree, node;
    size_t place;
} address;

typedef struct {
    size_t n;
    const int64_t *trees, *nodes, *features, *lefts, *rights, *missing;
    const float *values;
    const text *modes;
    address *addresses; /* sorted */
    size_t n_votes;
    const int64_t *vote_trees, *vote_nodes, *vote_targets;
    const float *vote_weights;
    address *vote_addresses; /* sorted; `place` is that of the vote */
} ensemble;

static int by_address(const void *one, const void *other)
{
    const address *a = one, *b = other;
    if (a->tree != b->tree)
        return a->tree < b->tree ? -1 : 1;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return a->place < b->place ? -1 : a->place > b->place;
}

static address *sorted(arena *from, const int64_t *trees, const int64_t *nodes, size_t n)
{
    address *all = arena_take(from, n, sizeof *all);
    for (size_t k = 0; all && k < n; k++)
        all[k] = (address){trees[k], nodes[k], k};
    if (all)
        qsort(all, n, sizeof *all, by_address);
    return all;
}

/* The first of the sorted addresses that is not before (tree, node). */
static size_t place_of(const address *all, size_t n, int64_t tree, int64_t node)
{
    address wanted = {tree, node, 0};
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_address(all + middle, &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const int64_t *list(const onnx_node *node, const char *name, size_t n, bool *fits)
{
    const onnx_attribute *a = onnx_attribute_of(node, name);
    *fits &= a && a->n_integers == n;
    return a ? a->integers : NULL;
}

static const float *float_list(const onnx_node *node, const char *name, size_t n, bool *fits)
{
    const onnx_attribute *a = onnx_attribute_of(node, name);
    *fits &= a && a->n_floats == n;
    return a ? a->floats : NULL;
}

static bool attributes(arena *from, const onnx_node *node, bool classifier, ensemble *e, failure *why)
{
    const onnx_attribute *trees = onnx_attribute_of(node, "nodes_treeids");
    const onnx_attribute *modes = onnx_attribute_of(node, "nodes_modes");
    const onnx_attribute *votes = onnx_attribute_of(node, classifier ? "class_ids" : "target_ids");
    if (!trees || !modes || !votes || !trees->n_integers)
        return fail(why, "has a tree ensemble without trees");
    bool fits = modes->n_strings == trees->n_integers;
    e->n = trees->n_integers;
    e->trees = trees->integers;
    e->modes = modes->strings;
    e->nodes = list(node, "nodes_nodeids", e->n, &fits);
    e->features = list(node, "nodes_featureids", e->n, &fits);
    e->lefts = list(node, "nodes_truenodeids", e->n, &fits);
    e->rights = list(node, "nodes_falsenodeids", e->n, &fits);
    e->values = float_list(node, "nodes_values", e->n, &fits);
    const onnx_attribute *missing = onnx_attribute_of(node, "nodes_missing_value_tracks_true");
    if (missing && missing->n_integers) {
        fits &= missing->n_integers == e->n;
        e->missing = missing->integers;
    }
    e->n_votes = votes->n_integers;
    e->vote_targets = votes->integers;
    e->vote_trees = list(node, classifier ? "class_treeids" : "target_treeids", e->n_votes, &fits);
    e->vote_nodes = list(node, classifier ? "class_nodeids" : "target_nodeids", e->n_votes, &fits);
    e->vote_weights = float_list(node, classifier ? "class_weights" : "target_weights", e->n_votes, &fits);
    if (!fits || e->n > UINT32_MAX / 4 || e->n_votes > UINT32_MAX / 4)
        return fail(why, "has a tree ensemble whose lists differ in length");
    e->addresses = sorted(from, e->trees, e->nodes, e->n);
    e->vote_addresses = sorted(from, e->vote_trees, e->vote_nodes, e->n_votes);
    if (from->exhausted)
        return fail(why, "needs more memory than there is");
    for (size_t k = 1; k < e->n; k++)
        if (e->addresses[k].tree == e->addresses[k - 1].tree && e->addresses[k].node == e->addresses[k - 1].node)
            return fail(why, "has a tree with two nodes of one number");
    return true;
}

/* What comparison a node makes, as x <= threshold with the children in order. */
static bool comparison(const ensemble *e, size_t at, tree_node *node, bool *swapped, failure *why)
{
    text mode = e->modes[at];
    float value = e->values[at];
    bool at_most = is(mode, "BRANCH_LEQ") || is(mode, "BRANCH_GT");
    *swapped = is(mode, "BRANCH_GT") || is(mode, "BRANCH_GTE");
    if (!at_most && !is(mode, "BRANCH_LT") && !is(mode, "BRANCH_GTE"))
        return fail(why, "has a tree with the comparison %.*s, which only ONNX Runtime makes", shown(mode), mode.data);
    if (isnan(value))
        return fail(why, "has a tree with a threshold that is not a number");
    /* x < t just when x <= the number before t, for there is no float between them */
    node->threshold = at_most ? value : nextafterf(value, -INFINITY);
    bool never = !at_most && value == -INFINITY;
    bool missing_true = e->missing && e->missing[at];
    node->missing_left = missing_true != *swapped;
    if (never)
        return fail(why, "has a tree that compares with minus infinity");
    return true;
}

typedef struct {
    size_t place; /* of the node in the file */
    int32_t parent;
    uint32_t depth;
    bool right;
} pending;

/* The tree that begins with the node at `root`; its nodes, leaves and votes are added to what is there. */
static bool read_tree(const ensemble *e, size_t root, const forest *f, pending *stack, bool *seen, tree *t,
                      tree_node *nodes, uint32_t *leaf_votes, vote *votes, uint32_t *n_votes, failure *why)
{
    size_t waiting = 0;
    stack[waiting++] = (pending){root, -1, 0, false};
    while (waiting) {
        pending now = stack[--waiting];
        if (seen[now.place])
            return fail(why, "has a tree in which a node has two parents");
        seen[now.place] = true;
        bool is_leaf = is(e->modes[now.place], "LEAF");
        int32_t name = is_leaf ? ~(int32_t)t->n_leaves : (int32_t)t->n_nodes;
        if (now.parent >= 0)
            *(now.right ? &nodes[now.parent].right : &nodes[now.parent].left) = name;
        if (now.depth > t->depth)
            t->depth = now.depth;
        int64_t tree_id = e->trees[now.place];
        if (is_leaf) {
            leaf_votes[t->n_leaves++] = *n_votes;
            size_t v = place_of(e->vote_addresses, e->n_votes, tree_id, e->nodes[now.place]);
            for (; v < e->n_votes; v++) {
                const address *a = e->vote_addresses + v;
                if (a->tree != tree_id || a->node != e->nodes[now.place])
                    break;
                int64_t target = e->vote_targets[a->place];
                if (target < 0 || target >= f->n_targets || !isfinite(e->vote_weights[a->place]))
                    return fail(why, "has a leaf that votes for no class, or without a number");
                votes[(*n_votes)++] = (vote){e->vote_weights[a->place], f->one_score ? 1 : (uint32_t)target};
            }
            continue;
        }
        tree_node *node = nodes + t->n_nodes++;
        bool swapped;
        if (!comparison(e, now.place, node, &swapped, why))
            return false;
        if (e->features[now.place] < 0 || e->features[now.place] >= f->n_features)
            return fail(why, "has a tree that asks for column %lld of %u", (long long)e->features[now.place],
                        f->n_features);
        node->feature = (uint16_t)e->features[now.place];
        int64_t children[2] = {e->lefts[now.place], e->rights[now.place]};
        for (int k = 1; k >= 0; k--) { /* the left one comes off the stack first */
            int64_t child = children[swapped ? !k : k];
            size_t c = place_of(e->addresses, e->n, tree_id, child);
            if (c == e->n || e->addresses[c].tree != tree_id || e->addresses[c].node != child)
                return fail(why, "has a tree that lacks node %lld", (long long)child);
            stack[waiting++] = (pending){e->addresses[c].place, (int32_t)t->n_nodes - 1, now.depth + 1, k};
        }
    }
    leaf_votes[t->n_leaves] = *n_votes;
    return true;
}

/* Most trees vote for one target, a number a leaf; then a leaf's number is all that there is to look up. */
static bool weights_of(arena *from, const forest *f, tree *t)
{
    const vote *votes = f->votes + t->votes[0];
    for (uint32_t leaf = 0; leaf < t->n_leaves; leaf++)
        if (t->votes[leaf + 1] - t->votes[leaf] != 1 || votes[leaf].target != votes[0].target)
            return true;
    float *weights = arena_take(from, t->n_leaves > MOST_LEAVES ? t->n_leaves : MOST_LEAVES, sizeof *weights);
    for (uint32_t leaf = 0; weights && leaf < t->n_leaves; leaf++)
        weights[leaf] = votes[leaf].weight;
    t->weights = weights;
    t->target = votes[0].target;
    return weights;
}

static bool ending(const onnx_node *node, forest *f, failure *why)
{
    const onnx_attribute *end = onnx_attribute_of(node, "post_transform");
    const onnx_attribute *sum = onnx_attribute_of(node, "aggregate_function");
    if (sum && !is(sum->string, "SUM"))
        return fail(why, "joins trees by %.*s; only SUM runs here", shown(sum->string), sum->string.data);
    f->end = END_NONE;
    if (!end || is(end->string, "NONE"))
        return true;
    if (is(end->string, "LOGISTIC"))
        f->end = END_LOGISTIC;
    else if (is(end->string, "SOFTMAX"))
        f->end = END_SOFTMAX;
    else
        return fail(why, "ends trees with %.*s, which only ONNX Runtime knows", shown(end->string),
                    end->string.data);
    return true;
}

static bool targets(arena *from, const onnx_node *node, bool classifier, const ensemble *e, forest *f, failure *why)
{
    int64_t n = onnx_integer(node, "n_targets", 1);
    if (classifier) {
        const onnx_attribute *strings = onnx_attribute_of(node, "classlabels_strings");
        const onnx_attribute *numbers = onnx_attribute_of(node, "classlabels_int64s");
        n = strings && strings->n_strings ? (int64_t)strings->n_strings : numbers ? (int64_t)numbers->n_integers : 0;
    }
    if (n < 1 || n > MOST_TARGETS)
        return fail(why, "has a tree ensemble for %lld classes; from 1 to %d run here", (long long)n, MOST_TARGETS);
    f->n_targets = (uint32_t)n;
    f->all_positive = true;
    bool one = classifier && n == 2;
    for (size_t k = 0; k < e->n_votes; k++) {
        f->all_positive &= e->vote_weights[k] >= 0;
        one &= e->vote_targets[k] == e->vote_targets[0];
    }
    f->one_score = one;
    float *base = arena_take(from, f->n_targets, sizeof *base);
    const onnx_attribute *given = onnx_attribute_of(node, "base_values");
    size_t n_given = given ? given->n_floats : 0;
    if (n_given && n_given != (one ? 1 : f->n_targets))
        return fail(why, "has %zu base values for %u classes", n_given, f->n_targets);
    for (size_t k = 0; base && k < n_given; k++)
        base[one ? 1 : k] = given->floats[k];
    f->base = base;
    return true;
}

bool forest_read(arena *from, const onnx_node *node, uint32_t width, forest *f, failure *why)
{
    bool classifier = is(node->op, "TreeEnsembleClassifier");
    ensemble e = {0};
    if (width > UINT16_MAX)
        return fail(why, "has a tree ensemble over more than %d columns", UINT16_MAX);
    if (!attributes(from, node, classifier, &e, why) || !ending(node, f, why) ||
        !targets(from, node, classifier, &e, f, why))
        return false;
    f->n_features = width;
    for (size_t k = 0; k < e.n; k++)
        f->n_trees += !k || e.trees[k] != e.trees[k - 1];
    tree *trees = arena_take(from, f->n_trees, sizeof *trees);
    tree_node *nodes = arena_take(from, e.n, sizeof *nodes);
    uint32_t *leaf_votes = arena_take(from, e.n + f->n_trees, sizeof *leaf_votes);
    vote *votes = arena_take(from, e.n_votes, sizeof *votes);
    pending *stack = arena_take(from, 2 * e.n + 2, sizeof *stack);
    bool *seen = arena_take(from, e.n, sizeof *seen);
    if (from->exhausted)
        return fail(why, "needs more memory than there is");
    uint32_t n_votes = 0;
    tree *t = trees;
    for (size_t k = 0; k < e.n; k++) {
        if (k && e.trees[k] == e.trees[k - 1])
            continue;
        t->nodes = nodes;
        t->votes = leaf_votes;
        if (!read_tree(&e, k, f, stack, seen, t, nodes, leaf_votes, votes, &n_votes, why))
            return false;
        nodes += t->n_nodes;
        leaf_votes += t->n_leaves + 1;
        t++;
    }
    f->trees = trees;
    f->votes = votes;
    for (uint32_t k = 0; k < f->n_trees; k++)
        if (!weights_of(from, f, trees + k))
            return fail(why, "needs more memory than there is");
    f->lanes = lanes_plan(from, f);
    f->descent = descent_plan(from, f);
    return !from->exhausted || fail(why, "needs more memory than there is");
}
