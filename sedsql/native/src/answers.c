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
    const duckdb_string_t *labels = c->arguments[0];
    text last = {0};
    int32_t place = -1;
    double *cells = duckdb_vector_get_data(c->output);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(c, first + k);
        if (!row_is_valid(c->argument_validity[0], row)) {
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

static double entropy_of(const prediction *p, uint32_t classes, uint32_t k)
{
    double entropy = 0;
    for (uint32_t class = 0; class < classes; class++) {
        double probability = p->probabilities[class][k];
        entropy -= probability > 0 ? probability * log2(probability) : 0;
    }
    return entropy;
}

static double largest(const prediction *p, uint32_t classes, uint32_t k)
{
    float most = p->probabilities[0][k];
    for (uint32_t class = 1; class < classes; class++)
        most = p->probabilities[class][k] > most ? p->probabilities[class][k] : most;
    return most;
}

static void put_paths(const call *c, duckdb_vector lists, uint32_t first, uint32_t n, const prediction *p)
{
    const model_card *card = &c->model->card;
    idx_t length = 0;
    for (uint32_t k = 0; k < n; k++)
        length += p->place[k] < 0 ? 0 : card->depths[p->place[k]];
    idx_t at = more_of_lists(lists, length);
    duckdb_string_t *nodes = duckdb_vector_get_data(duckdb_list_vector_get_child(lists));
    duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(c, first + k), depth = p->place[k] < 0 ? 0 : card->depths[p->place[k]];
        entries[row] = (duckdb_list_entry){at, depth};
        for (uint32_t d = 0; d < depth; d++)
            nodes[at++] = lasting(card->paths[p->place[k]][d]);
        if (p->place[k] < 0)
            put_null(lists, row);
    }
}

static void put_prediction(const call *c, duckdb_vector output, uint32_t first, uint32_t n, const prediction *p)
{
    enum { CLASS, PROBABILITY, ENTROPY, OUTLIER, N_BANDS, MODEL, PATH, FIELDS };
    const model_card *card = &c->model->card;
    duckdb_vector fields[FIELDS];
    void *cells[FIELDS];
    for (int f = 0; f < FIELDS; f++) {
        fields[f] = duckdb_struct_vector_get_child(output, (idx_t)f);
        cells[f] = duckdb_vector_get_data(fields[f]);
    }
    put_paths(c, fields[PATH], first, n, p);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(c, first + k);
        ((int32_t *)cells[N_BANDS])[row] = p->n_bands[k];
        ((duckdb_string_t *)cells[MODEL])[row] = lasting(card->name);
        if (p->place[k] < 0) {
            for (int f = CLASS; f <= OUTLIER; f++)
                put_null(fields[f], row);
            continue;
        }
        ((duckdb_string_t *)cells[CLASS])[row] = lasting(card->classes[p->place[k]]);
        ((double *)cells[PROBABILITY])[row] = largest(p, card->n_classes, k);
        ((double *)cells[ENTROPY])[row] = entropy_of(p, card->n_classes, k);
        if (p->has_outlier)
            ((double *)cells[OUTLIER])[row] = p->outlier[k];
        else
            put_null(fields[OUTLIER], row);
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
    idx_t at = more_of_lists(lists, (idx_t)n * classes);
    duckdb_vector numbers = duckdb_list_vector_get_child(lists);
    duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    double *cells = duckdb_vector_get_data(numbers);
    for (uint32_t k = 0; k < n; k++, at += classes) {
        entries[row_of(c, first + k)] = (duckdb_list_entry){at, classes};
        for (uint32_t class = 0; class < classes; class++)
            if (p->place[k] < 0)
                put_null(numbers, at + class);
            else
                cells[at + class] = p->probabilities[class][k];
    }
    return true;
}

/* The deepest node that has the probability; of two that have one half each, that of the most probable class. */
static bool deepest_node(const call *c, const model_card *card, const double *probabilities, double least,
                         uint32_t *deepest, double *share)
{
    if (!(least >= 0.5 && least <= 1))
        return fail(c->why,
                    "sed_node takes a probability from 0.5 to 1, not %g: with less, two nodes could have it.", least);
    uint32_t best = 0;
    for (uint32_t class = 1; class < card->n_classes; class++)
        best = probabilities[class] > probabilities[best] ? class : best;
    *deepest = 0; /* the root, whatever rounding did */
    for (uint32_t node = 0; node < card->n_nodes; node++) {
        const bool *holds = card->holds + (size_t)node * card->n_classes;
        double sum = 0;
        for (uint32_t class = 0; class < card->n_classes; class++)
            sum += holds[class] ? probabilities[class] : 0;
        if (!node || (sum >= least && (sum > 0.5 || holds[best]))) {
            *deepest = node;
            *share = sum < 1 ? sum : 1;
        }
    }
    return true;
}

bool node_of(const call *c, const model_card *card, uint32_t row, const double *probabilities, double least)
{
    uint32_t node;
    double share = 0;
    if (!deepest_node(c, card, probabilities, least, &node, &share))
        return false;
    put_text(c->output, row, card->nodes[node]);
    return true;
}

bool branch_of(const call *c, const model_card *card, uint32_t row, const double *probabilities, double least)
{
    uint32_t node;
    double share = 0;
    if (!deepest_node(c, card, probabilities, least, &node, &share))
        return false;
    put_text(duckdb_struct_vector_get_child(c->output, 0), row, card->nodes[node]);
    put_double(duckdb_struct_vector_get_child(c->output, 1), row, share);
    put_text(duckdb_struct_vector_get_child(c->output, 2), row, card->node_paths[node]);
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
    const double *numbers = c->arguments[0];
    double probabilities[MOST_CLASSES];
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(c, first + k);
        for (uint32_t class = 0; class < card->n_classes; class++)
            probabilities[class] = p->probabilities[class][k];
        if (!row_is_valid(c->argument_validity[0], row) || p->place[k] < 0)
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
