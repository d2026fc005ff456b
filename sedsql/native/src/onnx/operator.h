/* What a step of a planned graph is: an operator, and the columns of numbers that it reads and writes. */
#ifndef SED_ONNX_OPERATOR_H
#define SED_ONNX_OPERATOR_H

#include "onnx/reader.h"
#include "text/arena.h"
#include "text/failure.h"
#include "text/text.h"
#include "trees/block.h"

typedef enum { KIND_FLOAT, KIND_DOUBLE, KIND_BOOL, KIND_INTEGER } value_kind; /* all but DOUBLE are columns of floats */

/* A tensor of shape (rows, width), or (rows) with rank 1: `width` columns of BLOCK numbers each. */
typedef struct {
    text name;
    value_kind kind;
    int rank;
    uint32_t width, first; /* columns of the workspace */
    const onnx_tensor *constant;
} value;

/* Memory for one block of rows. */
typedef struct workspace {
    void **columns;
    void *memory, *scratch; /* scratch: used by one step at a time */
} workspace;

typedef struct step {
    const struct operator *op;
    uint32_t n_in;
    value *in[64];
    value *out;
    const void *own; /* what the operator made of its attributes */
    size_t scratch;  /* bytes of scratch memory that it needs */
    unsigned wanted; /* the outputs of the graph that need it, a bit each */
} step;

/* Check the node, and set kind, rank and width of the step's output; false with half a sentence. */
typedef bool plan_function(arena *from, const onnx_node *node, step *s, failure *error);
typedef void run_function(const step *s, workspace *w);

typedef struct operator {
    const char *name;
    plan_function *plan;
    run_function *run;   /* NULL where the output's columns are the inputs' columns */
    run_function *alias; /* makes them so, once per workspace; NULL where the output has columns of its own */
    int output;          /* which of the node's outputs it makes */
} operator;

static inline float *column(const workspace *w, const value *v, uint32_t k)
{
    return w->columns[v->first + k];
}

/* Give the output the kind and the shape of an input. */
static inline void like(value *out, const value *in)
{
    out->kind = in->kind;
    out->rank = in->rank;
    out->width = in->width;
}

static inline bool needs(bool is_so, const onnx_node *node, failure *error)
{
    return is_so || fail(error, "uses %.*s in a way that only ONNX Runtime runs", shown(node->op), node->op.data);
}

/* Whether a value is rows of numbers that vary, of one column or more. */
static inline bool is_rows(const value *v)
{
    return !v->constant && v->kind == KIND_FLOAT && v->rank == 2;
}

#endif
