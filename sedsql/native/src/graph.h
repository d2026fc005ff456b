/* The graph of a model, planned once, run on blocks of rows. */
#ifndef SED_GRAPH_H
#define SED_GRAPH_H

#include <stdint.h>

#include "arena.h"
#include "failure.h"
#include "onnx.h"

/* What a query wants of a row; a graph runs the nodes that are needed for it. */
enum { WANT_CLASS = 1, WANT_PROBABILITIES = 2, WANT_DISTANCE = 4, WANTS = 3 };

typedef enum { KIND_FLOAT, KIND_DOUBLE, KIND_BOOL, KIND_INTEGER } value_kind; /* all but double are float columns */

/* A tensor of shape (rows, width), or (rows) with rank 1: `width` columns of BLOCK numbers each. */
typedef struct {
    text name;
    value_kind kind;
    int rank;
    uint32_t width, first; /* of the workspace's columns */
    const onnx_tensor *constant;
} value;

typedef struct workspace {
    void **columns;
    void *memory, *room; /* room: for a forest's own use */
} workspace;

typedef struct step {
    const struct operator *op;
    uint32_t n_in;
    value *in[64];
    value *out;
    const void *own; /* what the operator made of its attributes */
    unsigned wanted;
} step;

typedef struct operator {
    const char *name;
    /* Checks the node, sets kind, rank and width of the output. */
    bool (*plan)(arena *from, const onnx_node *node, step *s, failure *why);
    /* NULL where the output's columns are others' */
    void (*run)(const step *s, workspace *w);
    /* Makes the output's columns those of inputs; NULL where they are its own. */
    void (*alias)(const step *s, workspace *w);
    int output; /* which of the node's outputs it makes */
} operator;

typedef struct {
    uint32_t n_values, n_steps, n_columns;
    value *values;
    step *steps;
    size_t room;
    const value *outputs[WANTS]; /* class index, probabilities, distance; NULL where there is none */
} graph;

/* Which inputs there are, and which outputs are wanted of them. An output without a name is not asked for. */
typedef struct {
    uint32_t n_inputs;
    const text *inputs;
    const uint32_t *widths;
    text outputs[WANTS];
} graph_ends;

bool graph_plan(arena *from, const onnx_graph *file, const graph_ends *ends, graph *g, failure *why);

/* Room for one thread's blocks, with a column of BLOCK floats for each input at the front; NULL without memory. */
workspace *workspace_new(const graph *g);
void workspace_free(workspace *w);

static inline float *column(const workspace *w, const value *v, uint32_t k)
{
    return w->columns[v->first + k];
}

/* Runs the steps that `wanted` needs on the inputs' columns. */
void graph_run(const graph *g, unsigned wanted, workspace *w);

/* The operators that run, ended by one without a name. */
extern const operator operators[];

/* Shares of a sum, of BLOCK rows: exp(score) over the sum of them all, in place. */
void softmax(float *const *scores, uint32_t width);

#endif
