#include "model/card_checks.h"

#include <math.h>

typedef bool check(const json *);

static const double LARGEST_FLOAT = 3.4e38;

static bool is_text(const json *part)
{
    return part->kind == JSON_STRING;
}

bool is_name(const json *part)
{
    bool so = part->kind == JSON_STRING && part->string.size;
    for (size_t k = 0; so && k < part->string.size; k++)
        so = (unsigned char)part->string.data[k] >= 0x20;
    return so;
}

static bool is_file(const json *part)
{
    bool so = is_name(part) && !is(part->string, ".") && !is(part->string, "..");
    for (size_t k = 0; so && k < part->string.size; k++)
        so = part->string.data[k] != '/' && part->string.data[k] != '\\';
    return so;
}

static bool is_object(const json *part)
{
    return part->kind == JSON_OBJECT;
}

static bool is_number(const json *part)
{
    return part->kind == JSON_NUMBER && fabs(part->number) <= LARGEST_FLOAT;
}

static bool is_positive(const json *part)
{
    return is_number(part) && part->number > 0;
}

static bool is_count(const json *part)
{
    return part->kind == JSON_NUMBER && part->whole && part->number >= 0;
}

static bool all(const json *whole, json_kind kind, check *holds)
{
    bool so = whole->kind == kind;
    for (const json *part = so ? whole->first : NULL; so && part; part = part->next)
        so = holds(part);
    return so;
}

static bool names(const json *part)
{
    return all(part, JSON_LIST, is_name);
}

static bool numbers(const json *part)
{
    return all(part, JSON_LIST, is_number);
}

static bool name_each(const json *part)
{
    return all(part, JSON_OBJECT, is_name);
}

static bool text_each(const json *part)
{
    return all(part, JSON_OBJECT, is_text);
}

static bool count_each(const json *part)
{
    return all(part, JSON_OBJECT, is_count);
}

static bool numbers_each(const json *part)
{
    return all(part, JSON_OBJECT, numbers);
}

static bool number_each(const json *part)
{
    return all(part, JSON_OBJECT, is_number);
}

static bool positive_each(const json *part)
{
    return all(part, JSON_OBJECT, is_positive);
}

enum { LONGEST_WAY = 3 };

/* The keys on the way to a value, and what it has to be where the card has it. */
static const struct {
    const char *way[LONGEST_WAY];
    check *holds;
    const char *words;
} checks[] = {
    {{"name"}, is_name, "a name"},
    {{"classes"}, names, "a list of names"},
    {{"bands"}, names, "a list of names"},
    {{"min_bands"}, is_count, "a whole number from 0 on"},
    {{"sha256"}, is_text, "text"},
    {{"extra"}, names, "a list of names"},
    {{"parents"}, name_each, "an object of names"},
    {{"conformal"}, is_object, "an object"},
    {{"conformal", "levels"}, numbers, "a list of numbers"},
    {{"conformal", "thresholds"}, numbers_each, "an object of lists of numbers"},
    {{"outlier"}, is_object, "an object"},
    {{"outlier", "quantiles"}, numbers, "a list of numbers"},
    {{"input"}, is_text, "text"},
    {{"inputs"}, name_each, "an object of names"},
    {{"outputs"}, name_each, "an object of names"},
    {{"missing"}, is_number, "a number"},
    {{"algorithm"}, is_object, "an object"},
    {{"algorithm", "recipe"}, is_text, "text"},
    {{"algorithm", "seed"}, is_count, "a whole number from 0 on"},
    {{"algorithm", "features"}, names, "a list of names"},
    {{"algorithm", "temperature"}, is_positive, "a number above 0"},
    {{"training"}, is_object, "an object"},
    {{"training", "files"}, text_each, "an object of texts"},
    {{"training", "simulated_rows"}, count_each, "an object of whole numbers from 0 on"},
    {{"training", "row_hashes"}, is_text, "text"},
    {{"metrics"}, is_object, "an object"},
    {{"metrics", "all"}, is_object, "an object"},
    {{"metrics", "all", "macro_f1"}, is_number, "a number"},
    {{"metrics", "all", "calibration_error"}, is_number, "a number"},
    {{"prior"}, is_object, "an object"},
    {{"prior", "table"}, is_file, "the name of a file in the model's folder"},
    {{"prior", "strength"}, is_number, "a number"},
    {{"prior", "class_shares"}, positive_each, "an object of numbers above 0"},
    {{"prior", "corrections"}, number_each, "an object of numbers"},
    {{"prior", "first_tree"}, is_count, "a whole number from 0 on"},
};

/* The values that a card has to have where it has a key; without a key, always. */
static const struct {
    const char *key, *way[LONGEST_WAY];
} together[] = {
    {NULL, {"name"}},
    {NULL, {"classes"}},
    {NULL, {"bands"}},
    {NULL, {"min_bands"}},
    {NULL, {"sha256"}},
    {"conformal", {"conformal", "levels"}},
    {"conformal", {"conformal", "thresholds"}},
    {"outlier", {"outlier", "quantiles"}},
    {"prior", {"prior", "table"}},
    {"prior", {"prior", "strength"}},
    {"prior", {"prior", "class_shares"}},
    {"prior", {"prior", "corrections"}},
    {"prior", {"prior", "first_tree"}},
    {"prior", {"algorithm", "features"}},
    {"prior", {"algorithm", "temperature"}},
};

static const json *find(const json *from, const char *const way[LONGEST_WAY])
{
    for (int k = 0; from && k < LONGEST_WAY && way[k]; k++)
        from = json_any(from, way[k]);
    return from;
}

/* Write a way as 'prior', 'table'. */
static bool refuse(const char *verb, const char *const way[LONGEST_WAY], const char *rest, failure *error)
{
    const char *between = "', '", *second = way[1], *third = second ? way[2] : NULL;
    return fail(error, "has a card that %s '%s%s%s%s%s'%s", verb, way[0], second ? between : "", second ? second : "",
                third ? between : "", third ? third : "", rest);
}

bool card_values(const json *card, failure *error)
{
    for (size_t k = 0; k < sizeof together / sizeof *together; k++)
        if ((!together[k].key || json_any(card, together[k].key)) && !find(card, together[k].way))
            return refuse("lacks", together[k].way, "", error);
    for (size_t k = 0; k < sizeof checks / sizeof *checks; k++) {
        const json *part = find(card, checks[k].way);
        char rest[80] = ", which has to be ";
        if (part && !checks[k].holds(part))
            return refuse("has another kind of value in", checks[k].way, strcat(rest, checks[k].words), error);
    }
    return true;
}
