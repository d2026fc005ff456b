/* Why a source has its class: exact Shapley values of the bands, as in sedsql/inference/explain.py. */
#include <math.h>
#include <stdlib.h>

#include "call.h"
#include "vectors.h"

typedef struct {
    float values[INPUTS]; /* in the graph's order */
    uint32_t there[INPUTS], n; /* which players are there */
    int32_t place;
} source;

static float *graph_input(const call *c, uint32_t k)
{
    return model_input(c->model, c->space, c->model->card.columns[k]);
}

/* Who plays: a band is a player, and so are the parallax with its error, and the two coordinates. */
static uint32_t player_of(const model_card *card, uint32_t column)
{
    return column < card->n_bands ? column : card->n_bands + (column - card->n_bands) / 2;
}

static const char *name_of(const model_card *card, uint32_t player)
{
    uint32_t more = player - card->n_bands;
    return player < card->n_bands ? input_names[card->columns[player]] : more ? "position" : "parallax";
}

/* A parallax may be without its error, a coordinate not without the other. */
static void find_players(const model_card *card, source *s)
{
    for (uint32_t k = 0; k < card->n_columns; k++) {
        bool first = !k || player_of(card, k) != player_of(card, k - 1);
        if (!first || s->values[k] != s->values[k])
            continue;
        if (card->columns[k] < BANDS + PARALLAX || s->values[k + 1] == s->values[k + 1])
            s->there[s->n++] = player_of(card, k);
    }
}

/* The probability of the source's class for every set of its bands, a bit a band. */
static void worths(const call *c, const source *s, double *worth)
{
    const model_card *card = &c->model->card;
    prediction p;
    uint32_t sets = 1u << s->n;
    for (uint32_t first = 0; first < sets; first += BLOCK) {
        for (uint32_t k = 0; k < card->n_columns; k++) {
            float *to = graph_input(c, k);
            uint32_t bit = 0;
            while (bit < s->n && s->there[bit] != player_of(card, k))
                bit++;
            for (uint32_t row = 0; row < BLOCK; row++)
                to[row] = bit < s->n && (first + row) >> bit & 1 ? s->values[k] : NAN;
        }
        model_run(c->model, WANT_PROBABILITIES, c->space, &p);
        for (uint32_t row = 0; row < BLOCK && first + row < sets; row++)
            worth[first + row] = p.probabilities[s->place][row];
    }
}

static double factorial(uint32_t n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}

static uint32_t members(uint32_t set)
{
    uint32_t n = 0;
    for (; set; set &= set - 1)
        n++;
    return n;
}

static void put(const call *c, const source *s, uint32_t row, const double *worth)
{
    const model_card *card = &c->model->card;
    idx_t at = put_list(c->output, row, s->n);
    duckdb_vector parts = duckdb_list_vector_get_child(c->output);
    duckdb_vector bands = duckdb_struct_vector_get_child(parts, 0), gains = duckdb_struct_vector_get_child(parts, 1);
    for (uint32_t k = 0; k < s->n; k++) {
        double gain = 0;
        for (uint32_t set = 0; set < 1u << s->n; set++) {
            if (set >> k & 1)
                continue;
            uint32_t before = members(set);
            double share = factorial(before) * factorial(s->n - before - 1) / factorial(s->n);
            gain += share * (worth[set | 1u << k] - worth[set]);
        }
        put_text(bands, at + k, text_of(name_of(card, s->there[k])));
        put_double(gains, at + k, gain);
    }
}

bool explain(const call *c, unsigned wanted, write_function *unused)
{
    (void)wanted, (void)unused;
    const model_card *card = &c->model->card;
    double *worth = malloc(sizeof *worth << INPUTS);
    if (!worth)
        return fail(c->why, "No memory to explain with.");
    prediction p;
    for (uint32_t k = 0; k < c->n; k++) {
        source s = {.n = 0};
        for (uint32_t i = 0; i < card->n_columns; i++) {
            float *to = graph_input(c, i);
            fill_input(c, column_of(card->columns[i]), k, 1, to);
            s.values[i] = to[0];
        }
        find_players(card, &s);
        model_run(c->model, WANT_CLASS, c->space, &p);
        s.place = p.place[0];
        if (s.place < 0 || !s.n) {
            put_null(c->output, row_of(c, k));
            continue;
        }
        worths(c, &s, worth);
        put(c, &s, row_of(c, k), worth);
    }
    free(worth);
    return true;
}
