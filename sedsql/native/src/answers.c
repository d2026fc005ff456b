/* What a model says of rows, as DuckDB's vectors; the same as sedsql/inference/answers.py. */
#include <math.h>
#include <stdio.h>

#include "call.h"
#include "vectors.h"

int32_t place_of_label(const model_card *card, text label, failure *why)
{
    for (uint32_t c = 0; c < card->n_classes; c++)
        if (same(card->classes[c], label))
            return (int32_t)c;
    char names[400];
    size_t used = 0;
    for (uint32_t c = 0; c < card->n_classes && used < sizeof names; c++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%.*s", c ? ", " : "", shown(card->classes[c]),
                                 card->classes[c].data);
    fail(why, "Model %.*s has no class '%.*s'; it has %s.", shown(card->name), card->name.data, shown(label),
         label.data, names);
    return -1;
}

bool write_class(const call *c, uint32_t first, uint32_t n, const prediction *p)
{
    const model_card *card = &c->model->card;
    duckdb_string_t *cells = duckdb_vector_get_data(c->output);
    for (uint32_t k = 0; k < n; k++)
        if (p->place[k] >= 0)
            cells[row_of(c, first + k)] = lasting(card->classes[p->place[k]]);
        else
            put_null(c->output, row_of(c, first + k));
    return true;
}

bool write_probability(const call *c, uint32_t first, uint32_t n, const prediction *p)
{
    const duckdb_string_t *labels = c->argument;
    text last = {0};
    int32_t place = -1;
    double *cells = duckdb_vector_get_data(c->output);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(c, first + k);
        if (!row_is_valid(c->argument_validity, row)) {
            put_null(c->output, row);
            continue;
        }
        text label = {string_data(labels + row), string_length(labels + row)};
        if (place < 0 || !same(label, last)) {
            place = place_of_label(&c->model->card, label, c->why);
            if (place < 0)
                return false;
            last = label;
        }
        if (p->place[k] < 0)
            put_null(c->output, row);
        else
            cells[row] = p->probabilities[place][k];
    }
    return true;
}

static void put_path(const model_card *card, duckdb_vector path, idx_t row, int32_t place)
{
    idx_t at = put_list(path, row, card->depths[place]);
    duckdb_vector nodes = duckdb_list_vector_get_child(path);
    for (uint32_t k = 0; k < card->depths[place]; k++)
        put_text(nodes, at + k, card->paths[place][k]);
}

static void put_prediction(const call *c, duckdb_vector output, uint32_t first, uint32_t n, const prediction *p)
{
    enum { CLASS, PROBABILITY, ENTROPY, OUTLIER, N_BANDS, MODEL, PATH, FIELDS };
    const model_card *card = &c->model->card;
    duckdb_vector fields[FIELDS];
    for (int f = 0; f < FIELDS; f++)
        fields[f] = duckdb_struct_vector_get_child(output, (idx_t)f);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(c, first + k);
        ((int32_t *)duckdb_vector_get_data(fields[N_BANDS]))[row] = p->n_bands[k];
        put_text(fields[MODEL], row, card->name);
        if (p->place[k] < 0) {
            static const int without[] = {CLASS, PROBABILITY, ENTROPY, OUTLIER, PATH};
            for (size_t f = 0; f < sizeof without / sizeof *without; f++)
                put_null(fields[without[f]], row);
            continue;
        }
        double most = 0, entropy = 0;
        for (uint32_t class = 0; class < card->n_classes; class++) {
            double probability = p->probabilities[class][k];
            most = fmax(most, probability);
            entropy -= probability > 0 ? probability * log2(probability) : 0;
        }
        put_text(fields[CLASS], row, card->classes[p->place[k]]);
        put_double(fields[PROBABILITY], row, most);
        put_double(fields[ENTROPY], row, entropy);
        if (p->has_outlier)
            put_double(fields[OUTLIER], row, p->outlier[k]);
        else
            put_null(fields[OUTLIER], row);
        put_path(card, fields[PATH], row, p->place[k]);
    }
}

bool write_prediction(const call *c, uint32_t first, uint32_t n, const prediction *p)
{
    put_prediction(c, c->output, first, n, p);
    return true;
}

bool write_answer(const call *c, uint32_t first, uint32_t n, const prediction *p)
{
    uint32_t classes = c->model->card.n_classes;
    put_prediction(c, duckdb_struct_vector_get_child(c->output, 0), first, n, p);
    duckdb_vector lists = duckdb_struct_vector_get_child(c->output, 1);
    for (uint32_t k = 0; k < n; k++) {
        idx_t at = put_list(lists, row_of(c, first + k), classes);
        duckdb_vector numbers = duckdb_list_vector_get_child(lists);
        for (uint32_t class = 0; class < classes; class++)
            if (p->place[k] < 0)
                put_null(numbers, at + class);
            else
                put_double(numbers, at + class, p->probabilities[class][k]);
    }
    return true;
}

bool node_of(const call *c, const model_card *card, uint32_t row, const double *probabilities, double least)
{
    if (!(least > 0.5 && least <= 1))
        return fail(c->why,
                    "sed_node takes a probability above 0.5 and at most 1, not %g: with less, two nodes could have it.",
                    least);
    uint32_t deepest = 0; /* the root, whatever rounding did */
    for (uint32_t node = 1; node < card->n_nodes; node++) {
        double sum = 0;
        for (uint32_t class = 0; class < card->n_classes; class++)
            sum += card->holds[(size_t)node * card->n_classes + class] ? probabilities[class] : 0;
        deepest = sum >= least ? node : deepest;
    }
    put_text(c->output, row, card->nodes[deepest]);
    return true;
}

bool set_of(const call *c, const model_card *card, uint32_t row, const double *probabilities, double level)
{
    if (!card->n_levels)
        return fail(c->why, "Model %.*s has no sets: its card lacks 'conformal'.", shown(card->name),
                    card->name.data);
    double highest = card->levels[card->n_levels - 1];
    if (!(level > 0 && level <= highest))
        return fail(c->why, "sed_set takes a level above 0 and at most %g, not %g.", highest, level);
    uint32_t column = 0, members[MOST_CLASSES], n = 0;
    while (card->levels[column] < level)
        column++;
    for (uint32_t class = 0; class < card->n_classes; class++) {
        if (probabilities[class] < card->thresholds[(size_t)class * card->n_levels + column])
            continue;
        uint32_t place = n++;
        for (; place && probabilities[members[place - 1]] < probabilities[class]; place--)
            members[place] = members[place - 1];
        members[place] = class;
    }
    idx_t at = put_list(c->output, row, n);
    duckdb_vector labels = duckdb_list_vector_get_child(c->output);
    for (uint32_t k = 0; k < n; k++)
        put_text(labels, at + k, card->classes[members[k]]);
    return true;
}

typedef bool of_probabilities(const call *c, const model_card *card, uint32_t row, const double *probabilities,
                              double number);

static bool write_of(const call *c, uint32_t first, uint32_t n, const prediction *p, of_probabilities *write)
{
    const model_card *card = &c->model->card;
    const double *numbers = c->argument;
    double probabilities[MOST_CLASSES];
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(c, first + k);
        for (uint32_t class = 0; class < card->n_classes; class++)
            probabilities[class] = p->probabilities[class][k];
        if (!row_is_valid(c->argument_validity, row) || p->place[k] < 0)
            put_null(c->output, row);
        else if (!write(c, card, row, probabilities, numbers[row]))
            return false;
    }
    return true;
}

bool write_node(const call *c, uint32_t first, uint32_t n, const prediction *p)
{
    return write_of(c, first, n, p, node_of);
}

bool write_set(const call *c, uint32_t first, uint32_t n, const prediction *p)
{
    return write_of(c, first, n, p, set_of);
}
