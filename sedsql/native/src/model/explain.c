#include "model/explain.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    float values[INPUTS]; /* in the graph's order */
    uint32_t players[INPUTS], n; /* those that have values */
    int32_t place;
} source;

static float *graph_input(const evaluation *e, uint32_t k)
{
    return model_input(e->model, e->space, e->model->card.columns[k]);
}

/* The player that a column belongs to: a band, the parallax with its error, or the two coordinates. */
static uint32_t player_of(const model_card *card, uint32_t column)
{
    return column < card->n_bands ? column : card->n_bands + (column - card->n_bands) / 2;
}

static const char *name_of(const model_card *card, uint32_t player)
{
    uint32_t more = player - card->n_bands;
    return player < card->n_bands ? input_names[card->columns[player]] : more ? "position" : "parallax";
}

/* Find the players that have values. A parallax needs no error, but a coordinate needs the other one. */
static void find_players(const model_card *card, source *s)
{
    for (uint32_t k = 0; k < card->n_columns; k++) {
        bool first = !k || player_of(card, k) != player_of(card, k - 1);
        if (!first || s->values[k] != s->values[k])
            continue;
        if (card->columns[k] < BANDS + PARALLAX || s->values[k + 1] == s->values[k + 1])
            s->players[s->n++] = player_of(card, k);
    }
}

/* Compute the probability of the source's class for every set of its players, a bit for each. */
static void worths(const evaluation *e, const source *s, double *worth)
{
    const model_card *card = &e->model->card;
    prediction p;
    uint32_t sets = 1u << s->n;
    for (uint32_t first = 0; first < sets; first += BLOCK) {
        for (uint32_t k = 0; k < card->n_columns; k++) {
            float *to = graph_input(e, k);
            uint32_t bit = 0;
            while (bit < s->n && s->players[bit] != player_of(card, k))
                bit++;
            for (uint32_t row = 0; row < BLOCK; row++)
                to[row] = bit < s->n && (first + row) >> bit & 1 ? s->values[k] : NAN;
        }
        model_run(e->model, WANT_PROBABILITIES, e->space, &p);
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

static explanation shapley_values(const model_card *card, const source *s, const double *worth)
{
    explanation found = {.n = s->n};
    for (uint32_t k = 0; k < s->n; k++) {
        double gain = 0;
        for (uint32_t set = 0; set < 1u << s->n; set++) {
            if (set >> k & 1)
                continue;
            uint32_t before = members(set);
            double share = factorial(before) * factorial(s->n - before - 1) / factorial(s->n);
            gain += share * (worth[set | 1u << k] - worth[set]);
        }
        found.names[k] = name_of(card, s->players[k]);
        found.contributions[k] = gain;
    }
    return found;
}

bool explain(const evaluation *e, take_explanation *take, void *taker, failure *error)
{
    const model_card *card = &e->model->card;
    double *worth = malloc(sizeof *worth << INPUTS);
    if (!worth)
        return fail(error, "No memory to explain with.");
    prediction p;
    for (uint32_t k = 0; k < e->n; k++) {
        source s = {.n = 0};
        explanation found = {.n = 0};
        for (uint32_t i = 0; i < card->n_columns; i++) {
            float *to = graph_input(e, i);
            fill_input(e, card->columns[i], k, 1, to);
            s.values[i] = to[0];
        }
        find_players(card, &s);
        model_run(e->model, WANT_CLASS, e->space, &p);
        s.place = p.place[0];
        if (s.place >= 0 && s.n) {
            worths(e, &s, worth);
            found = shapley_values(card, &s, worth);
        }
        take(taker, k, &found);
    }
    free(worth);
    return true;
}
