#include "model/card.h"

#include <math.h>

#include "model/card_checks.h"

const char *const input_names[INPUTS] = {
    "phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "j_m", "h_m", "ks_m", "w1mpro", "w2mpro", "w3mpro",
    "w4mpro", "parallax", "parallax_error", "ra", "dec",
};

/* The names of a list, of at most so many. */
static bool texts(arena *from, const json *list, size_t most, const text **found, uint32_t *count)
{
    if (list->count > most)
        return false;
    text *all = arena_take(from, list->count, sizeof *all);
    uint32_t n = 0;
    for (const json *part = list->first; all && part; part = part->next)
        all[n++] = part->string;
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
    for (const json *part = list->first; all && part; part = part->next)
        all[(*count)++] = part->number;
    return all;
}

static bool columns(const json *whole, arena *from, model_card *card, failure *error)
{
    const char *keys[] = {"bands", "extra"};
    for (int k = 0; k < 2; k++) {
        const json *list = json_any(whole, keys[k]);
        const text *names;
        uint32_t n = 0, first = k ? BANDS : 0, end = k ? INPUTS : BANDS;
        if (!list && k)
            break;
        if (!texts(from, list, end - first, &names, &n))
            return fail(error, "has a card with more names in '%s' than there are", keys[k]);
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

static bool has_each_class(const model_card *card, const json *object)
{
    bool so = object->count == card->n_classes;
    for (uint32_t c = 0; so && c < card->n_classes; c++) {
        const json *part = object->first;
        while (part && !same(part->key, card->classes[c]))
            part = part->next;
        so = part;
    }
    return so;
}

static bool sets(const json *whole, arena *from, model_card *card, failure *error)
{
    const json *conformal = json_any(whole, "conformal");
    if (!conformal)
        return true;
    const json *thresholds = json_any(conformal, "thresholds");
    card->levels = numbers(from, json_any(conformal, "levels"), &card->n_levels);
    if (!card->n_levels || card->levels[0] <= 0 || card->levels[card->n_levels - 1] >= 1 ||
        !increases(card->levels, card->n_levels, true) || !has_each_class(card, thresholds))
        return fail(error, "has a card whose 'conformal' lacks increasing levels between 0 and 1, or thresholds for "
                           "each class");
    double *all = arena_take(from, card->n_classes, card->n_levels * sizeof *all);
    for (uint32_t c = 0; all && c < card->n_classes; c++) {
        const json *of_class = thresholds->first;
        while (!same(of_class->key, card->classes[c]))
            of_class = of_class->next;
        uint32_t n = 0;
        const double *found = numbers(from, of_class, &n);
        if (!found || n != card->n_levels)
            return fail(error, "has a card whose 'conformal' lacks thresholds for a class");
        memcpy(all + (size_t)c * n, found, n * sizeof *all);
    }
    card->thresholds = all;
    return true;
}

static bool distances(const json *whole, arena *from, model_card *card, failure *error)
{
    enum { QUANTILES = 101 };
    const json *outlier = json_any(whole, "outlier");
    uint32_t n = 0;
    if (outlier)
        card->quantiles = numbers(from, json_any(outlier, "quantiles"), &n);
    return !outlier || (n == QUANTILES && increases(card->quantiles, n, false)) ||
           fail(error, "has a card whose 'outlier' lacks %d increasing distances in 'quantiles'", QUANTILES);
}

static bool prior(const json *whole, const model_card *card, failure *error)
{
    const char *keys[] = {"class_shares", "corrections"};
    const json *object = json_any(whole, "prior");
    for (int k = 0; object && k < 2; k++)
        if (!has_each_class(card, json_any(object, keys[k])))
            return fail(error, "has a card whose 'prior' lacks a number for each class in '%s'", keys[k]);
    return true;
}

/* The graph's input of a column, by the card. */
static text input_of(const json *inputs, uint32_t column)
{
    return json_text(inputs, input_names[column], text_of(input_names[column]));
}

static bool ends(const json *whole, const model_card *card, failure *error)
{
    const json *inputs = json_any(whole, "inputs");
    for (const json *part = inputs ? inputs->first : NULL; part; part = part->next) {
        uint32_t k = 0;
        while (k < card->n_columns && !is(part->key, input_names[card->columns[k]]))
            k++;
        if (k == card->n_columns)
            return fail(error, "has a card that names no column of the model with %.*s in 'inputs'", shown(part->key),
                        part->key.data);
    }
    for (uint32_t k = 1; k < card->n_columns; k++)
        for (uint32_t before = 0; before < k; before++)
            if (same(input_of(inputs, card->columns[k]), input_of(inputs, card->columns[before])))
                return fail(error, "has a card that names an input of the graph for two columns in 'inputs'");
    return true;
}

static bool classes(const json *whole, arena *from, model_card *card, failure *error)
{
    if (!texts(from, json_any(whole, "classes"), MOST_CLASSES, &card->classes, &card->n_classes) ||
        card->n_classes < 2)
        return fail(error, "has a card without two classes or more, or with more than %d", MOST_CLASSES);
    for (uint32_t k = 1; k < card->n_classes; k++)
        for (uint32_t before = 0; before < k; before++)
            if (same(card->classes[k], card->classes[before]))
                return fail(error, "has a card that names a class twice");
    return true;
}

bool card_read(arena *from, const char *data, size_t size, model_card *card, failure *error)
{
    const json *whole = json_read(from, data, size);
    if (!whole || whole->kind != JSON_OBJECT)
        return fail(error, "has a card that is not JSON");
    card->card = whole;
    const json *name = json_any(whole, "name");
    card->name = name && is_name(name) ? name->string : (text){0};
    if (!card_values(whole, error))
        return false;
    card->sha256 = json_any(whole, "sha256")->string;
    double min_bands = json_any(whole, "min_bands")->number;
    card->min_bands = min_bands < INPUTS ? (int)min_bands : INPUTS;
    bool good = classes(whole, from, card, error) && columns(whole, from, card, error) &&
                ends(whole, card, error) &&
                class_tree_read(json_any(whole, "parents"), from, card->classes, card->n_classes, &card->tree, error) &&
                sets(whole, from, card, error) && distances(whole, from, card, error) && prior(whole, card, error);
    return from->exhausted ? fail(error, "needs more memory than there is") : good;
}
