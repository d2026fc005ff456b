/* The graph of a model: planned once, run on blocks of rows. */
#ifndef SED_MODEL_GRAPH_H
#define SED_MODEL_GRAPH_H

#include "onnx/operator.h"

/* What a query wants to know of a row; a graph runs only the steps that this needs. */
enum { WANT_CLASS = 1, WANT_PROBABILITIES = 2, WANT_DISTANCE = 4, WANTS = 3 };

typedef struct {
    uint32_t n_values, n_steps, n_columns;
    value *values;
    step *steps;
    size_t scratch; /* bytes, the most that a step needs */
    const value *outputs[WANTS]; /* class index, probabilities, distance; NULL where there is none */
} graph;

/* The inputs of a graph, and its outputs that are wanted; an output without a name is not. */
typedef struct {
    uint32_t n_inputs;
    const text *inputs;
    const uint32_t *widths;
    text outputs[WANTS];
} graph_ends;

/* Plan the steps that lead from inputs to outputs; false with half a sentence, which goes on from the model's name. */
bool graph_plan(arena *from, const onnx_graph *file, const graph_ends *ends, graph *g, failure *error);

/* Make memory for the blocks of one thread; columns of BLOCK floats for the inputs come first. NULL without memory. */
workspace *workspace_new(const graph *g);
void workspace_free(workspace *w);

/* Run the steps that `wanted` needs on the inputs' columns. */
void graph_run(const graph *g, unsigned wanted, workspace *w);

#endif
