/* The operators that run here, in families; the table of all of them is in operators.c. */
#ifndef SED_OPERATORS_H
#define SED_OPERATORS_H

#include "graph.h"

typedef bool plan_function(arena *from, const onnx_node *node, step *s, failure *why);
typedef void run_function(const step *s, workspace *w);

plan_function plan_two, plan_one, plan_where, plan_not, plan_is_nan;
run_function run_add, run_sub, run_mul, run_div, run_max, run_min, run_where;
run_function run_neg, run_abs, run_exp, run_log, run_sqrt, run_sin, run_round, run_relu, run_tanh, run_sigmoid;
run_function run_not, run_is_nan;

plan_function plan_gather, plan_extract, plan_concat, plan_same, plan_squeeze, plan_cast;
run_function alias_columns, alias_concat, alias_same;

plan_function plan_reduce, plan_arg_max, plan_softmax, plan_normalizer;
run_function run_reduce_sum, run_reduce_mean, run_reduce_min, run_reduce_max;
run_function run_arg_max, run_softmax, run_normalizer;

plan_function plan_matmul, plan_gemm, plan_linear, plan_scaler, plan_imputer;
run_function run_affine, run_scaler, run_imputer;

plan_function plan_trees;
run_function run_trees;

/* The output is like an input. */
static inline void like(value *out, const value *in)
{
    out->kind = in->kind;
    out->rank = in->rank;
    out->width = in->width;
}

static inline bool needs(bool is_so, const onnx_node *node, failure *why)
{
    return is_so || fail(why, "uses %.*s in a way that only ONNX Runtime runs", shown(node->op), node->op.data);
}

/* Rows of numbers, one column or more, that vary. */
static inline bool is_rows(const value *v)
{
    return !v->constant && v->kind == KIND_FLOAT && v->rank == 2;
}

#endif
