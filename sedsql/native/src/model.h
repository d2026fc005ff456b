/* A model: a folder with model.onnx and the card that says what it is, ready to run. */
#ifndef SED_MODEL_H
#define SED_MODEL_H

#include <stdatomic.h>

#include "block.h"
#include "graph.h"

/* The bands, and what a model may take after them, in the order in which functions are given them. */
enum { BANDS = 10, PARALLAX = 2, POSITION = 2, INPUTS = BANDS + PARALLAX + POSITION };
extern const char *const input_names[INPUTS];

enum { MOST_CLASSES = 1024, IDLE = 32 };

typedef struct {
    text name;
    uint32_t n_classes;
    const text *classes;
    uint32_t n_columns, n_bands;
    uint32_t columns[INPUTS]; /* which of the inputs the graph takes, in its order: bands, then the rest */
    int min_bands;
    /* The tree of classes: nodes, branches before what is under them; holds[node * n_classes + class] */
    uint32_t n_nodes;
    const text *nodes, *node_paths; /* a path: 'evolved/agb_carbon'; the root's is its name */
    const bool *holds;
    const uint32_t *depths;       /* of the classes' paths, root left out */
    const text *const *paths;
    /* Conformal sets: thresholds[class * n_levels + level]; no levels where the card has none */
    uint32_t n_levels;
    const double *levels, *thresholds;
    const double *quantiles; /* 101 of the distances; NULL where the card has none */
    const struct json *card;
    text sha256;
} model_card;

/* The step whose scores over the temperature softmax makes probabilities of; NULL where they are made otherwise. */
typedef struct {
    const step *trees;
    float temperature;
} lead_plan;

typedef struct {
    arena memory;
    model_card card;
    graph graph;
    lead_plan lead;
    const value *inputs[INPUTS]; /* of the graph; one for all columns, or one for each */
    bool has_missing;
    float missing; /* what stands for a missing value, if not NaN */
    _Atomic(workspace *) idle[IDLE];
} model;

/* What a model says of a block of rows. Columns of probabilities are those of the workspace. */
typedef struct {
    int32_t n_bands[BLOCK];
    int32_t place[BLOCK]; /* of the class; -1 where there are too few bands */
    const float *const *probabilities;
    double outlier[BLOCK];
    bool has_outlier;
} prediction;

/* The name that a folder's card has, and the card's sha256; false with a sentence where there is none. */
bool model_name(const char *folder, char *name, size_t room, char digest[65], failure *why);

/* NULL with a sentence where the folder holds no model, one with another card than that of the digest, a graph that is
   not the card's, or one that runs elsewhere only. This last will not change: then `for_good`. */
model *model_load(const char *folder, const char *digest, bool *for_good, failure *why);
void model_free(model *m);

/* The step of loading after its card: the bytes of a graph, which stay in memory, bound to what the card says; false
   with half a sentence, which goes on from the model's name. */
bool model_bind(model *m, const uint8_t *graph, size_t size, failure *why);

/* A workspace of this model for one thread; give it back. NULL without memory. */
workspace *model_take(model *m);
void model_give(model *m, workspace *w);

/* The workspace's column that an input is to be written to; NULL where the model does not take it. */
float *model_input(const model *m, workspace *w, uint32_t input);

/* Counts the bands of the block that stands in the inputs' columns, and marks what is missing as the model wants it. */
void model_count_bands(const model *m, workspace *w, int32_t *n_bands);

/* Runs the block that stands in the inputs' columns, missing = NaN. */
void model_run(const model *m, unsigned wanted, workspace *w, prediction *p);

#endif
