/* A model's card: its keys are explained in docs/models.md. */
#ifndef SED_MODEL_CARD_H
#define SED_MODEL_CARD_H

#include <stdint.h>

#include "model/class_tree.h"
#include "text/arena.h"
#include "text/failure.h"
#include "text/json.h"
#include "text/text.h"

/* The bands, and what a model may take after them, in the order in which functions are given them. */
enum { BANDS = 10, PARALLAX = 2, POSITION = 2, INPUTS = BANDS + PARALLAX + POSITION };
extern const char *const input_names[INPUTS];

typedef struct {
    text name;
    uint32_t n_classes;
    const text *classes;
    uint32_t n_columns, n_bands;
    uint32_t columns[INPUTS]; /* which of the inputs the graph takes, in its order: bands, then the rest */
    int min_bands;
    class_tree tree;
    /* Conformal sets: thresholds[class * n_levels + level]; no levels where the card has none */
    uint32_t n_levels;
    const double *levels, *thresholds;
    const double *quantiles; /* 101 of the distances; NULL where the card has none */
    const json *card;
    text sha256;
} model_card;

/* Read a card; false with half a sentence, which goes on from the model's name. */
bool card_read(arena *from, const char *data, size_t size, model_card *card, failure *error);

#endif
