#include "model/card.h"

#include <float.h>
#include <math.h>

const char *const input_names[INPUTS] = {
    "phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "j_m", "h_m", "ks_m", "w1mpro", "w2mpro", "w3mpro",
    "w4mpro", "parallax", "parallax_error", "ra", "dec",
};

/* Keys that a card may lack, and the kind of their values. */
static const struct {
    const char *key;
    json_kind kind;
} optional[] = {
    {"extra", JSON_LIST},   {"parents", JSON_OBJECT}, {"conformal", JSON_OBJECT}, {"outlier", JSON_OBJECT},
    {"input", JSON_STRING}, {"inputs", JSON_OBJECT},  {"outputs", JSON_OBJECT},   {"missing", JSON_NUMBER},
};

static bool is_name(const json *part)
{
    bool so = part->kind == JSON_STRING && part->string.size;
    for (size_t k = 0; so && k < part->string.size; k++)
        so = (unsigned char)part->string.data[k] >= 0x20;
    return so;
}

static bool check_kinds(const json *whole, failure *error)
{
    for (size_t k = 0; k < sizeof optional / sizeof *optional; k++)
        for (const json *part = whole->first; part; part = part->next)
            if (is(part->key, optional[k].key) && part->kind != optional[k].kind)
                return fail(error, "has a card whose '%s' has the wrong kind of value", optional[k].key);
    const char *names[] = {"parents", "inputs", "outputs"};
    for (int k = 0; k < 3; k++) {
        const json *object = json_part(whole, names[k], JSON_OBJECT);
        for (const json *part = object ? object->first : NULL; part; part = part->next)
            if (!is_name(part))
                return fail(error, "has a card whose '%s' has something other than names", names[k]);
    }
    const json *missing = json_part(whole, "missing", JSON_NUMBER);
    return !missing || fabs(missing->number) <= FLT_MAX ||
           fail(error, "has a card whose 'missing' is too large a number");
}

static bool texts(arena *from, const json *list, size_t most, const text **found, uint32_t *count)
{
    if (!list || list->count > most)
        return false;
    text *all = arena_take(from, list->count, sizeof *all);
    uint32_t n = 0;
    for (const json *part = list->first; all && part; part = part->next) {
        if (!is_name(part))
            return false;
        all[n++] = part->string;
    }
    *found = all;
    *count = n;
    return all;
}

static bool increases(const double *numbers, uint32_t n, bool strictly)
{
    for (uint32_t k = 1; k < n; k++)
        if (numbers[k] < numbers[k - 1] || (strictly && numbers[k] == numbers[k - 1]))
            return false;
    return true;
}

static const double *numbers(arena *from, const json *list, uint32_t *count)
{
    double *all = arena_take(from, list->count, sizeof *all);
    *count = 0;
    for (const json *part = list->first; all && part; part = part->next) {
        if (part->kind != JSON_NUMBER)
            return NULL;
        all[(*count)++] = part->number;
    }
    return all;
}

static bool columns(const json *whole, arena *from, model_card *card, failure *error)
{
    const char *keys[] = {"bands", "extra"};
    for (int k = 0; k < 2; k++) {
        const json *list = json_part(whole, keys[k], JSON_LIST);
        const text *names;
        uint32_t n = 0, first = k ? BANDS : 0, end = k ? INPUTS : BANDS;
        if (!list && k)
            break;
        if (!texts(from, list, end - first, &names, &n))
            return fail(error, "has a card without a list of %s", keys[k]);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t place = first;
            while (place < end && !is(names[i], input_names[place]))
                place++;
            if (place == end)
                return fail(error, "has a card with the unknown column %.*s in %s", shown(names[i]), names[i].data,
                            keys[k]);
            for (uint32_t before = 0; before < card->n_columns; before++)
                if (card->columns[before] == place)
                    return fail(error, "has a card that names %s twice in %s", input_names[place], keys[k]);
            card->columns[card->n_columns++] = place;
        }
        for (uint32_t i = 0; k && i < n; i++)
            if (n % 2 || card->columns[card->n_bands + i] != BANDS + i)
                return fail(error, "has a card whose extra is not parallax, parallax_error, or these and ra, dec");
        if (!k)
            card->n_bands = card->n_columns;
    }
    return card->n_bands > 0 || fail(error, "has a card without bands");
}

static text parent_of(const json *parents, text node)
{
    for (const json *part = parents ? parents->first : NULL; part; part = part->next)
        if (same(part->key, node) && part->kind == JSON_STRING)
            return part->string;
    return (text){0};
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

/* Build the tree of classes. Nodes are sorted by depth, those of one depth by the first class that is below them. */
static bool tree_of_classes(const json *whole, arena *from, model_card *card, failure *error)
{
    enum { DEEPEST = 16 };
    const json *parents = json_part(whole, "parents", JSON_OBJECT);
    if (parents && parents->count > MOST_CLASSES * DEEPEST)
        return fail(error, "has a card with more than %d entries in 'parents'", MOST_CLASSES * DEEPEST);
    for (const json *part = parents ? parents->first : NULL; part; part = part->next)
        if (is(part->key, "source") || is(part->string, "source"))
            return fail(error, "has a card that names the root, source, in 'parents'");
    uint32_t n = card->n_classes;
    text(*ways)[DEEPEST] = arena_take(from, n, sizeof *ways); /* from the root down */
    uint32_t *depths = arena_take(from, n, sizeof *depths);
    text *nodes = arena_take(from, (size_t)n * DEEPEST, sizeof *nodes);
    text *node_paths = arena_take(from, (size_t)n * DEEPEST, sizeof *node_paths);
    bool *holds = arena_take(from, (size_t)n * n * DEEPEST, sizeof *holds);
    const text **paths = arena_take(from, n, sizeof *paths);
    if (from->exhausted)
        return fail(error, "needs more memory than there is");
    for (uint32_t c = 0; c < n; c++) {
        text up[DEEPEST];
        uint32_t steps = 0;
        for (text node = card->classes[c]; node.data; node = parent_of(parents, node)) {
            if (steps == DEEPEST - 1)
                return fail(error, "has a card whose 'parents' go in a circle, or have more than %d levels",
                            DEEPEST - 1);
            up[steps++] = node;
        }
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
            while (place < card->n_nodes && !same(nodes[place], ways[c][depth]))
                place++;
            if (place == card->n_nodes) {
                node_paths[place] = depth ? joined(from, ways[c] + 1, depth) : ways[c][0];
                nodes[card->n_nodes++] = ways[c][depth];
            }
            holds[(size_t)place * n + c] = true;
        }
    card->nodes = nodes;
    card->node_paths = node_paths;
    card->holds = holds;
    card->depths = depths;
    card->paths = paths;
    return !from->exhausted || fail(error, "needs more memory than there is");
}

static bool sets(const json *whole, arena *from, model_card *card, failure *error)
{
    const json *conformal = json_part(whole, "conformal", JSON_OBJECT);
    const json *levels = json_part(conformal, "levels", JSON_LIST);
    const json *thresholds = json_part(conformal, "thresholds", JSON_OBJECT);
    if (!conformal)
        return true;
    if (!levels || !thresholds || !levels->count || !(card->levels = numbers(from, levels, &card->n_levels)))
        return fail(error, "has a card whose 'conformal' lacks levels or thresholds");
    if (card->levels[0] <= 0 || card->levels[card->n_levels - 1] >= 1 ||
        !increases(card->levels, card->n_levels, true) || thresholds->count != card->n_classes)
        return fail(error, "has a card whose 'conformal' lacks increasing levels between 0 and 1, or thresholds for "
                           "each class");
    double *all = arena_take(from, card->n_classes, card->n_levels * sizeof *all);
    for (uint32_t c = 0; all && c < card->n_classes; c++) {
        const json *of_class = thresholds->first;
        while (of_class && !same(of_class->key, card->classes[c]))
            of_class = of_class->next;
        uint32_t n = 0;
        const double *found = of_class && of_class->kind == JSON_LIST ? numbers(from, of_class, &n) : NULL;
        if (!found || n != card->n_levels)
            return fail(error, "has a card whose 'conformal' lacks thresholds for a class");
        memcpy(all + (size_t)c * n, found, n * sizeof *all);
    }
    card->thresholds = all;
    return !from->exhausted || fail(error, "needs more memory than there is");
}

bool card_read(arena *from, const char *data, size_t size, model_card *card, failure *error)
{
    enum { QUANTILES = 101 };
    const json *whole = json_read(from, data, size);
    if (!whole || whole->kind != JSON_OBJECT)
        return fail(error, "has a card that is not JSON");
    const json *min_bands = json_part(whole, "min_bands", JSON_NUMBER);
    card->card = whole;
    const json *name = json_part(whole, "name", JSON_STRING);
    card->name = name && is_name(name) ? name->string : (text){0};
    card->sha256 = json_text(whole, "sha256", (text){0});
    if (!card->name.size || !card->sha256.data || !min_bands)
        return fail(error, "has a card that lacks 'name', 'sha256' or 'min_bands'");
    if (min_bands->number < 0 || min_bands->number != floor(min_bands->number))
        return fail(error, "has a card whose 'min_bands' is not a whole number of at least 0");
    card->min_bands = min_bands->number < INPUTS ? (int)min_bands->number : INPUTS;
    if (!check_kinds(whole, error))
        return false;
    if (!texts(from, json_part(whole, "classes", JSON_LIST), MOST_CLASSES, &card->classes, &card->n_classes) ||
        card->n_classes < 2)
        return fail(error, "has a card without classes, or with more than %d", MOST_CLASSES);
    for (uint32_t k = 1; k < card->n_classes; k++)
        for (uint32_t before = 0; before < k; before++)
            if (same(card->classes[k], card->classes[before]))
                return fail(error, "has a card that names a class twice");
    if (!columns(whole, from, card, error) || !tree_of_classes(whole, from, card, error) ||
        !sets(whole, from, card, error))
        return false;
    const json *outlier = json_part(whole, "outlier", JSON_OBJECT);
    const json *quantiles = json_part(outlier, "quantiles", JSON_LIST);
    uint32_t n = 0;
    if (outlier && (!quantiles || !(card->quantiles = numbers(from, quantiles, &n)) || n != QUANTILES ||
                    !increases(card->quantiles, n, false)))
        return fail(error, "has a card whose 'outlier' lacks %d increasing distances in 'quantiles'", QUANTILES);
    return !from->exhausted || fail(error, "needs more memory than there is");
}
