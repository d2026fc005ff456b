/* The operators that run here, in families; operators.c has the table of all of them. */
#ifndef SED_ONNX_OPERATORS_H
#define SED_ONNX_OPERATORS_H

#include "onnx/operator.h"

/* elementwise.c */
plan_function plan_two, plan_one, plan_where, plan_not, plan_is_nan;
run_function run_add, run_sub, run_mul, run_div, run_max, run_min, run_where;
run_function run_neg, run_abs, run_exp, run_log, run_sqrt, run_sin, run_round, run_relu, run_tanh, run_sigmoid;
run_function run_not, run_is_nan;

/* columns.c */
plan_function plan_gather, plan_extract, plan_concat, plan_same, plan_squeeze, plan_cast;
run_function alias_columns, alias_concat, alias_same;

/* rowwise.c */
plan_function plan_reduce, plan_arg_max, plan_softmax, plan_normalizer;
run_function run_reduce_sum, run_reduce_mean, run_reduce_min, run_reduce_max;
run_function run_arg_max, run_softmax, run_normalizer;

/* affine.c */
plan_function plan_matmul, plan_gemm, plan_linear, plan_scaler, plan_imputer;
run_function run_affine, run_scaler, run_imputer;

/* tree_ensemble.c */
plan_function plan_trees;
run_function run_trees;

/* All operators, ended by one without a name. */
extern const operator operators[];

#endif
