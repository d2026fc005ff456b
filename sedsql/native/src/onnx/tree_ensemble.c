#include "onnx/tree_ensemble.h"

#include "onnx/operators.h"
#include "onnx/post_transform.h"
#include "trees/build.h"
#include "trees/scores.h"

enum { MOST_TARGETS = 1024 };

typedef struct {
    forest forest;
    post_transform end;
    bool one_score; /* of two classes, only the second has votes */
    bool all_positive;
} ensemble;

static const int64_t *integers(const onnx_node *node, const char *name, size_t n, bool *fits)
{
    const onnx_attribute *a = onnx_attribute_of(node, name);
    *fits &= a && a->n_integers == n;
    return a ? a->integers : NULL;
}

static const float *floats(const onnx_node *node, const char *name, size_t n, bool *fits)
{
    const onnx_attribute *a = onnx_attribute_of(node, name);
    *fits &= a && a->n_floats == n;
    return a ? a->floats : NULL;
}

static bool lists_of(const onnx_node *node, bool classifier, tree_lists *lists, failure *error)
{
    const onnx_attribute *trees = onnx_attribute_of(node, "nodes_treeids");
    const onnx_attribute *modes = onnx_attribute_of(node, "nodes_modes");
    const onnx_attribute *votes = onnx_attribute_of(node, classifier ? "class_ids" : "target_ids");
    if (!trees || !modes || !votes || !trees->n_integers)
        return fail(error, "has a tree ensemble without trees");
    size_t n = trees->n_integers, n_votes = votes->n_integers;
    bool fits = modes->n_strings == n;
    lists->n_nodes = n;
    lists->trees = trees->integers;
    lists->modes = modes->strings;
    lists->nodes = integers(node, "nodes_nodeids", n, &fits);
    lists->features = integers(node, "nodes_featureids", n, &fits);
    lists->lefts = integers(node, "nodes_truenodeids", n, &fits);
    lists->rights = integers(node, "nodes_falsenodeids", n, &fits);
    lists->values = floats(node, "nodes_values", n, &fits);
    const onnx_attribute *missing = onnx_attribute_of(node, "nodes_missing_value_tracks_true");
    if (missing && missing->n_integers) {
        fits &= missing->n_integers == n;
        lists->missing = missing->integers;
    }
    lists->n_votes = n_votes;
    lists->vote_targets = votes->integers;
    lists->vote_trees = integers(node, classifier ? "class_treeids" : "target_treeids", n_votes, &fits);
    lists->vote_nodes = integers(node, classifier ? "class_nodeids" : "target_nodeids", n_votes, &fits);
    lists->vote_weights = floats(node, classifier ? "class_weights" : "target_weights", n_votes, &fits);
    if (!fits || n > UINT32_MAX / 4 || n_votes > UINT32_MAX / 4)
        return fail(error, "has a tree ensemble whose lists differ in length");
    return true;
}

static bool ending(const onnx_node *node, ensemble *e, failure *error)
{
    const onnx_attribute *sum = onnx_attribute_of(node, "aggregate_function");
    if (sum && !is(sum->string, "SUM"))
        return fail(error, "joins trees by %.*s; only SUM runs here", shown(sum->string), sum->string.data);
    if (post_transform_of(node, &e->end))
        return true;
    text name = onnx_attribute_of(node, "post_transform")->string;
    return fail(error, "ends trees with %.*s, which only ONNX Runtime knows", shown(name), name.data);
}

/* Where all votes are for the first of two classes, count them for the second, as ONNX Runtime does. */
static bool vote_for_second(arena *from, tree_lists *lists, failure *error)
{
    if (lists->vote_targets[0])
        return true;
    int64_t *second = arena_take(from, lists->n_votes, sizeof *second);
    if (!second)
        return fail(error, "needs more memory than there is");
    for (size_t k = 0; k < lists->n_votes; k++)
        second[k] = 1;
    lists->vote_targets = second;
    return true;
}

static bool targets(arena *from, const onnx_node *node, bool classifier, tree_lists *lists, ensemble *e,
                    failure *error)
{
    int64_t n = onnx_integer(node, "n_targets", 1);
    if (classifier) {
        const onnx_attribute *strings = onnx_attribute_of(node, "classlabels_strings");
        const onnx_attribute *numbers = onnx_attribute_of(node, "classlabels_int64s");
        n = strings && strings->n_strings ? (int64_t)strings->n_strings : numbers ? (int64_t)numbers->n_integers : 0;
    }
    if (n < 1 || n > MOST_TARGETS)
        return fail(error, "has a tree ensemble for %lld classes; from 1 to %d run here", (long long)n, MOST_TARGETS);
    uint32_t n_targets = (uint32_t)n;
    e->all_positive = true;
    bool one = classifier && n == 2;
    for (size_t k = 0; k < lists->n_votes; k++) {
        e->all_positive &= lists->vote_weights[k] >= 0;
        one &= lists->vote_targets[k] == lists->vote_targets[0];
    }
    e->one_score = one;
    float *base = arena_take(from, n_targets, sizeof *base);
    const onnx_attribute *given = onnx_attribute_of(node, "base_values");
    size_t n_given = given ? given->n_floats : 0;
    if (n_given && n_given != (one ? 1 : n_targets))
        return fail(error, "has %zu base values for %u classes", n_given, n_targets);
    for (size_t k = 0; base && k < n_given; k++)
        base[one ? 1 : k] = given->floats[k];
    e->forest.n_targets = n_targets;
    e->forest.base = base;
    return !one || !lists->n_votes || vote_for_second(from, lists, error);
}

bool plan_trees(arena *from, const onnx_node *node, step *s, failure *error)
{
    ensemble *e = arena_take(from, 1, sizeof *e);
    if (!e)
        return fail(error, "needs more memory than there is");
    if (!needs(s->n_in == 1 && is_rows(s->in[0]), node, error))
        return false;
    bool classifier = is(node->op, "TreeEnsembleClassifier");
    tree_lists lists = {0};
    e->forest.n_features = s->in[0]->width;
    if (e->forest.n_features > UINT16_MAX)
        return fail(error, "has a tree ensemble over more than %d columns", UINT16_MAX);
    if (!lists_of(node, classifier, &lists, error) || !ending(node, e, error) ||
        !targets(from, node, classifier, &lists, e, error) || !forest_build(from, &lists, &e->forest, error))
        return false;
    like(s->out, s->in[0]);
    s->out->width = e->forest.n_targets;
    s->own = e;
    s->scratch = forest_scratch_size(&e->forest);
    return true;
}

void run_trees(const step *s, workspace *w)
{
    const ensemble *e = s->own;
    float *const *scores = (float *const *)w->columns + s->out->first;
    forest_scores(&e->forest, (const float *const *)w->columns + s->in[0]->first, scores, w->scratch);
    if (e->one_score) { /* as ONNX Runtime: the first class gets 1 - the second's, or -the second's */
        for (int row = 0; row < BLOCK; row++)
            scores[0][row] = e->all_positive ? 1 - scores[1][row] : -scores[1][row];
        if (e->all_positive || e->end == TRANSFORM_SOFTMAX)
            return;
    }
    post_transform_apply(e->end, scores, e->forest.n_targets);
}

const forest *exact_forest_of(const step *s)
{
    const ensemble *e = s->op->run == run_trees ? s->own : NULL;
    bool sums = e && e->end == TRANSFORM_NONE && !e->one_score;
    return sums && forest_is_exact(&e->forest) ? &e->forest : NULL;
}
