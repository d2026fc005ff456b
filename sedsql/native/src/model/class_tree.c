#include "model/class_tree.h"

#include <stdlib.h>

enum { LONGEST_WAY = 15 }; /* nodes from below the root to a class */

/* The entries of `parents`, sorted by the node that has the parent. */
typedef struct {
    const json **entries;
    size_t n;
} parent_list;

static int by_node(const void *one, const void *other)
{
    const json *const *a = one, *const *b = other;
    return text_order((*a)->key, (*b)->key);
}

static parent_list sorted(arena *from, const json *parents)
{
    parent_list list = {0};
    list.entries = arena_take(from, parents ? parents->count : 0, sizeof *list.entries);
    for (const json *part = parents && list.entries ? parents->first : NULL; part; part = part->next)
        list.entries[list.n++] = part;
    if (list.n)
        qsort(list.entries, list.n, sizeof *list.entries, by_node);
    return list;
}

/* Find the node above; a text without data for a node below the root. */
static text parent_of(const parent_list *list, text node)
{
    json wanted = {.key = node};
    const json *key = &wanted, **found = NULL;
    if (list->n)
        found = bsearch(&key, list->entries, list->n, sizeof *list->entries, by_node);
    return found ? (*found)->string : (text){0};
}

/* Go up from a node, itself the first, to below the root; 0 where the way is too long, as a circle's is. */
static uint32_t go_up(const parent_list *list, text node, text up[LONGEST_WAY])
{
    uint32_t steps = 0;
    for (; node.data; node = parent_of(list, node)) {
        if (steps == LONGEST_WAY)
            return 0;
        up[steps++] = node;
    }
    return steps;
}

/* Join the nodes of a path by slashes. */
static text joined(arena *from, const text *nodes, uint32_t n)
{
    size_t size = n - 1;
    for (uint32_t k = 0; k < n; k++)
        size += nodes[k].size;
    char *written = arena_take(from, size, 1);
    text whole = {written, written ? size : 0};
    for (uint32_t k = 0; written && k < n; k++) {
        if (k)
            *written++ = '/';
        memcpy(written, nodes[k].data, nodes[k].size);
        written += nodes[k].size;
    }
    return whole;
}

static bool too_long(text node, failure *error)
{
    return fail(error, "has a card whose 'parents' go in a circle, or have more than %d levels, above %.*s",
                LONGEST_WAY, shown(node), node.data);
}

static bool check_parents(const json *parents, const parent_list *list, failure *error)
{
    enum { MOST_PARENTS = MOST_CLASSES * (LONGEST_WAY + 1) };
    if (list->n > MOST_PARENTS)
        return fail(error, "has a card with more than %d entries in 'parents'", MOST_PARENTS);
    text up[LONGEST_WAY];
    for (const json *part = parents ? parents->first : NULL; part; part = part->next) {
        if (is(part->key, "source") || is(part->string, "source"))
            return fail(error, "has a card that names the root, source, in 'parents'");
        if (!go_up(list, part->key, up))
            return too_long(part->key, error);
    }
    return true;
}

bool class_tree_read(const json *parents, arena *from, const text *classes, uint32_t n, class_tree *tree,
                     failure *error)
{
    enum { DEEPEST = LONGEST_WAY + 1 };
    parent_list list = sorted(from, parents);
    text(*ways)[DEEPEST] = arena_take(from, n, sizeof *ways); /* from the root down */
    uint32_t *depths = arena_take(from, n, sizeof *depths);
    text *nodes = arena_take(from, (size_t)n * DEEPEST, sizeof *nodes);
    text *node_paths = arena_take(from, (size_t)n * DEEPEST, sizeof *node_paths);
    bool *holds = arena_take(from, (size_t)n * n * DEEPEST, sizeof *holds);
    const text **paths = arena_take(from, n, sizeof *paths);
    if (from->exhausted)
        return fail(error, "needs more memory than there is");
    if (!check_parents(parents, &list, error))
        return false;
    for (uint32_t c = 0; c < n; c++) {
        text up[LONGEST_WAY];
        uint32_t steps = go_up(&list, classes[c], up);
        if (!steps)
            return too_long(classes[c], error);
        ways[c][0] = text_of("source");
        for (uint32_t k = 0; k < steps; k++)
            ways[c][k + 1] = up[steps - 1 - k];
        depths[c] = steps;
        paths[c] = ways[c] + 1;
    }
    for (uint32_t depth = 0; depth < DEEPEST; depth++)
        for (uint32_t c = 0; c < n; c++) {
            if (depth > depths[c])
                continue;
            uint32_t place = 0;
            while (place < tree->n_nodes && !same(nodes[place], ways[c][depth]))
                place++;
            if (place == tree->n_nodes) {
                node_paths[place] = depth ? joined(from, ways[c] + 1, depth) : ways[c][0];
                nodes[tree->n_nodes++] = ways[c][depth];
            }
            holds[(size_t)place * n + c] = true;
        }
    tree->nodes = nodes;
    tree->node_paths = node_paths;
    tree->holds = holds;
    tree->depths = depths;
    tree->paths = paths;
    return !from->exhausted || fail(error, "needs more memory than there is");
}
