#include "duckdb/write.h"

#include "duckdb/vectors.h"
#include "model/answers.h"

bool write_class(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    const call *c = taker;
    const model_card *card = &c->rows.model->card;
    duckdb_string_t *cells = duckdb_vector_get_data(c->output);
    for (uint32_t k = 0; k < n; k++)
        if (p->place[k] >= 0)
            cells[row_of(&c->rows, first + k)] = lasting(card->classes[p->place[k]]);
        else
            put_null(c->output, row_of(&c->rows, first + k));
    return true;
}

bool write_probability(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    const call *c = taker;
    texts labels = {c->arguments[0], c->argument_validity[0]};
    text last = {0};
    int32_t place = -1;
    double *cells = duckdb_vector_get_data(c->output);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(&c->rows, first + k);
        if (!row_is_valid(labels.validity, row)) {
            put_null(c->output, row);
            continue;
        }
        text label = text_at(labels, row);
        if (place < 0 || !same(label, last)) {
            place = place_of_label(&c->rows.model->card, label, c->error);
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

static void put_paths(const call *c, duckdb_vector lists, uint32_t first, uint32_t n, const prediction *p)
{
    const model_card *card = &c->rows.model->card;
    idx_t length = 0;
    for (uint32_t k = 0; k < n; k++)
        length += p->place[k] < 0 ? 0 : card->tree.depths[p->place[k]];
    idx_t at = more_of_lists(lists, length);
    duckdb_string_t *nodes = duckdb_vector_get_data(duckdb_list_vector_get_child(lists));
    duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(&c->rows, first + k), depth = p->place[k] < 0 ? 0 : card->tree.depths[p->place[k]];
        entries[row] = (duckdb_list_entry){at, depth};
        for (uint32_t d = 0; d < depth; d++)
            nodes[at++] = lasting(card->tree.paths[p->place[k]][d]);
        if (p->place[k] < 0)
            put_null(lists, row);
    }
}

static void put_prediction(const call *c, duckdb_vector output, uint32_t first, uint32_t n, const prediction *p)
{
    enum { CLASS, PROBABILITY, ENTROPY, OUTLIER, N_BANDS, MODEL, PATH, FIELDS };
    const model_card *card = &c->rows.model->card;
    duckdb_vector fields[FIELDS];
    void *cells[FIELDS];
    for (int f = 0; f < FIELDS; f++) {
        fields[f] = duckdb_struct_vector_get_child(output, (idx_t)f);
        cells[f] = duckdb_vector_get_data(fields[f]);
    }
    put_paths(c, fields[PATH], first, n, p);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(&c->rows, first + k);
        ((int32_t *)cells[N_BANDS])[row] = p->n_bands[k];
        ((duckdb_string_t *)cells[MODEL])[row] = lasting(card->name);
        if (p->place[k] < 0) {
            for (int f = CLASS; f <= OUTLIER; f++)
                put_null(fields[f], row);
            continue;
        }
        ((duckdb_string_t *)cells[CLASS])[row] = lasting(card->classes[p->place[k]]);
        ((double *)cells[PROBABILITY])[row] = largest_probability(p, card->n_classes, k);
        ((double *)cells[ENTROPY])[row] = entropy_of(p, card->n_classes, k);
        if (p->has_outlier)
            ((double *)cells[OUTLIER])[row] = p->outlier[k];
        else
            put_null(fields[OUTLIER], row);
    }
}

bool write_prediction(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    const call *c = taker;
    put_prediction(c, c->output, first, n, p);
    return true;
}

bool write_answer(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    const call *c = taker;
    uint32_t classes = c->rows.model->card.n_classes;
    put_prediction(c, duckdb_struct_vector_get_child(c->output, 0), first, n, p);
    duckdb_vector lists = duckdb_struct_vector_get_child(c->output, 1);
    idx_t at = more_of_lists(lists, (idx_t)n * classes);
    duckdb_vector numbers = duckdb_list_vector_get_child(lists);
    duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    double *cells = duckdb_vector_get_data(numbers);
    for (uint32_t k = 0; k < n; k++, at += classes) {
        entries[row_of(&c->rows, first + k)] = (duckdb_list_entry){at, classes};
        for (uint32_t class = 0; class < classes; class++)
            if (p->place[k] < 0)
                put_null(numbers, at + class);
            else
                cells[at + class] = p->probabilities[class][k];
    }
    return true;
}

void write_log_odds(void *taker, uint32_t first, uint32_t n, const float *log_odds, const bool *known)
{
    const call *c = taker;
    float *cells = duckdb_vector_get_data(c->output);
    for (uint32_t k = 0; k < n; k++)
        if (known[k])
            cells[row_of(&c->rows, first + k)] = log_odds[k];
        else
            put_null(c->output, row_of(&c->rows, first + k));
}

void write_explanation(void *taker, uint32_t k, const explanation *found)
{
    const call *c = taker;
    uint32_t row = row_of(&c->rows, k);
    if (!found->n) {
        put_null(c->output, row);
        return;
    }
    idx_t at = put_list(c->output, row, found->n);
    duckdb_vector parts = duckdb_list_vector_get_child(c->output);
    duckdb_vector bands = duckdb_struct_vector_get_child(parts, 0);
    duckdb_vector contributions = duckdb_struct_vector_get_child(parts, 1);
    for (uint32_t i = 0; i < found->n; i++) {
        put_text(bands, at + i, text_of(found->names[i]));
        put_double(contributions, at + i, found->contributions[i]);
    }
}

bool write_node_of(duckdb_vector output, uint32_t row, const model_card *card, const double *probabilities,
                   double least, failure *error)
{
    uint32_t node;
    double probability;
    if (!deepest_node(card, probabilities, least, &node, &probability, error))
        return false;
    put_text(output, row, card->tree.nodes[node]);
    return true;
}

bool write_branch_of(duckdb_vector output, uint32_t row, const model_card *card, const double *probabilities,
                     double least, failure *error)
{
    uint32_t node;
    double probability;
    if (!deepest_node(card, probabilities, least, &node, &probability, error))
        return false;
    put_text(duckdb_struct_vector_get_child(output, 0), row, card->tree.nodes[node]);
    put_double(duckdb_struct_vector_get_child(output, 1), row, probability);
    put_text(duckdb_struct_vector_get_child(output, 2), row, card->tree.node_paths[node]);
    return true;
}

void write_no_branch(duckdb_vector output, uint32_t row)
{
    put_null(output, row);
    for (idx_t field = 0; field < 3; field++)
        put_null(duckdb_struct_vector_get_child(output, field), row);
}

bool write_set_of(duckdb_vector output, uint32_t row, const model_card *card, const double *probabilities,
                  double level, failure *error)
{
    uint32_t members[MOST_CLASSES], n;
    if (!conformal_set(card, probabilities, level, members, &n, error))
        return false;
    idx_t at = put_list(output, row, n);
    duckdb_vector labels = duckdb_list_vector_get_child(output);
    for (uint32_t k = 0; k < n; k++)
        put_text(labels, at + k, card->classes[members[k]]);
    return true;
}

static bool write_rows_of(const call *c, uint32_t first, uint32_t n, const prediction *p,
                          write_from_probabilities *write)
{
    const model_card *card = &c->rows.model->card;
    const double *numbers = c->arguments[0];
    double probabilities[MOST_CLASSES];
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(&c->rows, first + k);
        for (uint32_t class = 0; class < card->n_classes; class++)
            probabilities[class] = p->probabilities[class][k];
        bool nothing = !row_is_valid(c->argument_validity[0], row) || p->place[k] < 0;
        if (nothing && write == write_branch_of)
            write_no_branch(c->output, row);
        else if (nothing)
            put_null(c->output, row);
        else if (!write(c->output, row, card, probabilities, numbers[row], c->error))
            return false;
    }
    return true;
}

bool write_node(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    return write_rows_of(taker, first, n, p, write_node_of);
}

bool write_branch(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    return write_rows_of(taker, first, n, p, write_branch_of);
}

bool write_set(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    return write_rows_of(taker, first, n, p, write_set_of);
}

bool write_classified(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    enum { NODE, PROBABILITY, PATH, OUTLIER, LABEL, FIELDS };
    const call *c = taker;
    const model_card *card = &c->rows.model->card;
    double probabilities[MOST_CLASSES];
    duckdb_vector fields[FIELDS];
    void *cells[FIELDS];
    for (int f = 0; f < FIELDS; f++) {
        fields[f] = duckdb_struct_vector_get_child(c->output, (idx_t)f);
        cells[f] = duckdb_vector_get_data(fields[f]);
    }
    for (uint32_t k = 0; k < n; k++) {
        uint32_t row = row_of(&c->rows, first + k), node;
        if (p->place[k] < 0) {
            for (int f = 0; f < FIELDS; f++)
                put_null(fields[f], row);
            continue;
        }
        for (uint32_t class = 0; class < card->n_classes; class++)
            probabilities[class] = p->probabilities[class][k];
        if (!deepest_node(card, probabilities, 0.5, &node, (double *)cells[PROBABILITY] + row, c->error))
            return false;
        ((duckdb_string_t *)cells[NODE])[row] = lasting(card->tree.nodes[node]);
        ((duckdb_string_t *)cells[PATH])[row] = lasting(card->tree.node_paths[node]);
        ((duckdb_string_t *)cells[LABEL])[row] = lasting(card->classes[p->place[k]]);
        if (p->has_outlier)
            ((double *)cells[OUTLIER])[row] = p->outlier[k];
        else
            put_null(fields[OUTLIER], row);
    }
    return true;
}
