#include "trees/build.h"

#include <math.h>
#include <stdlib.h>

#include "trees/descent.h"
#include "trees/simd_trees.h"

typedef struct {
    int64_t tree, node;
    size_t place;
} address;

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

/* The lists, and where a node or a leaf's votes stand in them. */
typedef struct {
    const tree_lists *lists;
    address *nodes, *votes; /* sorted */
} node_index;

static bool index_of(arena *from, const tree_lists *lists, node_index *i, failure *error)
{
    i->lists = lists;
    i->nodes = sorted(from, lists->trees, lists->nodes, lists->n_nodes);
    i->votes = sorted(from, lists->vote_trees, lists->vote_nodes, lists->n_votes);
    if (from->exhausted)
        return fail(error, "needs more memory than there is");
    for (size_t k = 1; k < lists->n_nodes; k++)
        if (i->nodes[k].tree == i->nodes[k - 1].tree && i->nodes[k].node == i->nodes[k - 1].node)
            return fail(error, "has a tree with two nodes of one number");
    return true;
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

/* Turn a node's comparison into x <= threshold; `swapped` where its children change places for that. */
static bool comparison(const tree_lists *lists, size_t at, tree_node *node, bool *swapped, failure *error)
{
    text mode = lists->modes[at];
    float value = lists->values[at];
    bool at_most = is(mode, "BRANCH_LEQ") || is(mode, "BRANCH_GT");
    *swapped = is(mode, "BRANCH_GT") || is(mode, "BRANCH_GTE");
    if (!at_most && !is(mode, "BRANCH_LT") && !is(mode, "BRANCH_GTE"))
        return fail(error, "has a tree with the comparison %.*s, which only ONNX Runtime makes", shown(mode),
                    mode.data);
    if (isnan(value))
        return fail(error, "has a tree with a threshold that is not a number");
    if (!at_most && value == -INFINITY)
        return fail(error, "has a tree that compares with minus infinity");
    /* x < t just where x <= the float before t, for there is none between them */
    node->threshold = at_most ? value : nextafterf(value, -INFINITY);
    bool missing_true = lists->missing && lists->missing[at];
    node->missing_left = missing_true != *swapped;
    return true;
}

/* A node that is still to be read. */
typedef struct {
    size_t place; /* in the lists */
    int32_t parent;
    uint32_t depth;
    bool right;
} pending;

/* What is built: where the next node, leaf and vote go, and what has been read. */
typedef struct {
    tree_node *nodes;
    uint32_t *leaf_votes;
    vote *votes;
    uint32_t n_votes;
    pending *stack;
    bool *seen;
} builder;

static bool read_leaf(const node_index *i, size_t place, const forest *f, builder *b, tree *t, failure *error)
{
    const tree_lists *lists = i->lists;
    int64_t tree_id = lists->trees[place], node_id = lists->nodes[place];
    b->leaf_votes[t->n_leaves++] = b->n_votes;
    for (size_t v = place_of(i->votes, lists->n_votes, tree_id, node_id); v < lists->n_votes; v++) {
        const address *a = i->votes + v;
        if (a->tree != tree_id || a->node != node_id)
            break;
        int64_t target = lists->vote_targets[a->place];
        float weight = lists->vote_weights[a->place];
        if (target < 0 || target >= f->n_targets || !isfinite(weight))
            return fail(error, "has a leaf that votes for no class, or without a number");
        b->votes[b->n_votes++] = (vote){weight, (uint32_t)target};
    }
    return true;
}

/* Read an inner node, and put its children on the stack. */
static bool read_inner(const node_index *i, const pending *now, const forest *f, builder *b, tree *t, size_t *n_pending,
                       failure *error)
{
    const tree_lists *lists = i->lists;
    int64_t tree_id = lists->trees[now->place], feature = lists->features[now->place];
    int32_t parent = (int32_t)t->n_nodes;
    tree_node *node = b->nodes + t->n_nodes++;
    bool swapped;
    if (!comparison(lists, now->place, node, &swapped, error))
        return false;
    if (feature < 0 || feature >= f->n_features)
        return fail(error, "has a tree that asks for column %lld of %u", (long long)feature, f->n_features);
    node->feature = (uint16_t)feature;
    int64_t children[2] = {lists->lefts[now->place], lists->rights[now->place]};
    for (int k = 1; k >= 0; k--) { /* the left one comes off the stack first */
        int64_t child = children[swapped ? !k : k];
        size_t c = place_of(i->nodes, lists->n_nodes, tree_id, child);
        if (c == lists->n_nodes || i->nodes[c].tree != tree_id || i->nodes[c].node != child)
            return fail(error, "has a tree that lacks node %lld", (long long)child);
        b->stack[(*n_pending)++] = (pending){i->nodes[c].place, parent, now->depth + 1, k};
    }
    return true;
}

/* Read the tree whose root stands at `root`. */
static bool read_tree(const node_index *i, size_t root, const forest *f, builder *b, tree *t, failure *error)
{
    size_t n_pending = 0;
    b->stack[n_pending++] = (pending){root, -1, 0, false};
    while (n_pending) {
        pending now = b->stack[--n_pending];
        if (b->seen[now.place])
            return fail(error, "has a tree in which a node has two parents");
        b->seen[now.place] = true;
        bool is_leaf = is(i->lists->modes[now.place], "LEAF");
        int32_t name = is_leaf ? ~(int32_t)t->n_leaves : (int32_t)t->n_nodes;
        if (now.parent >= 0)
            *(now.right ? &b->nodes[now.parent].right : &b->nodes[now.parent].left) = name;
        if (now.depth > t->depth)
            t->depth = now.depth;
        if (!(is_leaf ? read_leaf(i, now.place, f, b, t, error) : read_inner(i, &now, f, b, t, &n_pending, error)))
            return false;
    }
    b->leaf_votes[t->n_leaves] = b->n_votes;
    return true;
}

/* Give a tree its weights where every leaf has one vote and all votes are for one target, as in most trees. */
static bool weights_of(arena *from, const forest *f, tree *t)
{
    const vote *votes = f->votes + t->votes[0];
    for (uint32_t leaf = 0; leaf < t->n_leaves; leaf++)
        if (t->votes[leaf + 1] - t->votes[leaf] != 1 || votes[leaf].target != votes[0].target)
            return true;
    float *weights = arena_take(from, t->n_leaves > SMALL_TREE ? t->n_leaves : SMALL_TREE, sizeof *weights);
    for (uint32_t leaf = 0; weights && leaf < t->n_leaves; leaf++)
        weights[leaf] = votes[leaf].weight;
    t->weights = weights;
    t->target = votes[0].target;
    return weights;
}

bool forest_build(arena *from, const tree_lists *lists, forest *f, failure *error)
{
    node_index i;
    if (!index_of(from, lists, &i, error))
        return false;
    size_t n = lists->n_nodes;
    for (size_t k = 0; k < n; k++)
        f->n_trees += !k || lists->trees[k] != lists->trees[k - 1];
    tree *trees = arena_take(from, f->n_trees, sizeof *trees);
    vote *votes = arena_take(from, lists->n_votes, sizeof *votes);
    builder b = {
        .nodes = arena_take(from, n, sizeof *b.nodes),
        .leaf_votes = arena_take(from, n + f->n_trees, sizeof *b.leaf_votes),
        .votes = votes,
        .stack = arena_take(from, 2 * n + 2, sizeof *b.stack),
        .seen = arena_take(from, n, sizeof *b.seen),
    };
    if (from->exhausted)
        return fail(error, "needs more memory than there is");
    tree *t = trees;
    for (size_t k = 0; k < n; k++) {
        if (k && lists->trees[k] == lists->trees[k - 1])
            continue;
        t->nodes = b.nodes;
        t->votes = b.leaf_votes;
        if (!read_tree(&i, k, f, &b, t, error))
            return false;
        b.nodes += t->n_nodes;
        b.leaf_votes += t->n_leaves + 1;
        t++;
    }
    f->trees = trees;
    f->votes = votes;
    for (uint32_t k = 0; k < f->n_trees; k++)
        if (!weights_of(from, f, trees + k))
            return fail(error, "needs more memory than there is");
    f->simd_trees = simd_trees_plan(from, f);
    f->descent = descent_plan(from, f);
    return !from->exhausted || fail(error, "needs more memory than there is");
}
