/* Operators on single numbers. */
#include <math.h>

#include "onnx/operators.h"

/* Give `out` the shape of two operands. A constant is a row of numbers, or one number; one operand may have a single
   column. */
static bool broadcast(const value *a, const value *b, value *out)
{
    if (!a->width || !b->width || a->kind != b->kind)
        return false;
    if (a->width != b->width && a->width != 1 && b->width != 1)
        return false;
    const value *vary = a->constant ? b : a;
    if (vary->constant || (!a->constant && !b->constant && a->rank != b->rank))
        return false;
    like(out, vary);
    out->width = a->width > b->width ? a->width : b->width;
    return vary->rank == 2 || out->width == 1;
}

bool plan_two(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    bool numbers = s->n_in == 2 && (s->in[0]->kind == KIND_FLOAT || s->in[0]->kind == KIND_DOUBLE);
    return needs(numbers && broadcast(s->in[0], s->in[1], s->out), node, error);
}

bool plan_one(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    const value *in = s->in[0];
    like(s->out, in);
    return needs(s->n_in == 1 && !in->constant && (in->kind == KIND_FLOAT || in->kind == KIND_DOUBLE), node, error);
}

bool plan_where(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    if (!needs(s->n_in == 3 && s->in[0]->kind == KIND_BOOL, node, error))
        return false;
    value branches = {0};
    const value *condition = s->in[0], *yes = s->in[1], *no = s->in[2];
    bool both_constant = yes->constant && no->constant;
    if (both_constant) {
        like(&branches, condition);
        branches.kind = yes->kind;
    }
    bool fits = (both_constant ? yes->kind == no->kind && yes->width == 1 && no->width == 1
                               : broadcast(yes, no, &branches)) &&
                branches.rank == condition->rank && (condition->width == branches.width);
    *s->out = (value){s->out->name, branches.kind, branches.rank, branches.width, 0, NULL};
    return needs(fits, node, error);
}

bool plan_not(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    like(s->out, s->in[0]);
    return needs(s->n_in == 1 && s->in[0]->kind == KIND_BOOL, node, error);
}

bool plan_is_nan(arena *from, const onnx_node *node, step *s, failure *error)
{
    bool fits = plan_one(from, node, s, error);
    s->out->kind = KIND_BOOL;
    return fits;
}

static inline void *column_or_only(const workspace *w, const value *v, uint32_t k)
{
    return w->columns[v->first + (v->width == 1 ? 0 : k)];
}

#define TWO(name, for_float, for_double)                                                                              \
    WIDE void run_##name(const step *s, workspace *w)                                                                 \
    {                                                                                                                 \
        for (uint32_t k = 0; k < s->out->width; k++) {                                                                \
            void *to = column(w, s->out, k);                                                                          \
            const void *one = column_or_only(w, s->in[0], k), *other = column_or_only(w, s->in[1], k);                \
            if (s->out->kind == KIND_FLOAT) {                                                                         \
                const float *a = one, *b = other;                                                                     \
                float *restrict o = to;                                                                               \
                for (int r = 0; r < BLOCK; r++)                                                                       \
                    o[r] = for_float;                                                                                 \
            } else {                                                                                                  \
                const double *a = one, *b = other;                                                                    \
                double *restrict o = to;                                                                              \
                for (int r = 0; r < BLOCK; r++)                                                                       \
                    o[r] = for_double;                                                                                \
            }                                                                                                         \
        }                                                                                                             \
    }

TWO(add, a[r] + b[r], a[r] + b[r])
TWO(sub, a[r] - b[r], a[r] - b[r])
TWO(mul, a[r] * b[r], a[r] * b[r])
TWO(div, a[r] / b[r], a[r] / b[r])
/* NaN where one operand is NaN, as in ONNX Runtime */
TWO(max, a[r] > b[r] || a[r] != a[r] ? a[r] : b[r], a[r] > b[r] || a[r] != a[r] ? a[r] : b[r])
TWO(min, a[r] < b[r] || a[r] != a[r] ? a[r] : b[r], a[r] < b[r] || a[r] != a[r] ? a[r] : b[r])

#define ONE(name, for_float, for_double)                                                                              \
    WIDE void run_##name(const step *s, workspace *w)                                                                 \
    {                                                                                                                 \
        for (uint32_t k = 0; k < s->out->width; k++) {                                                                \
            const void *from = column(w, s->in[0], k);                                                                \
            void *to = column(w, s->out, k);                                                                          \
            if (s->in[0]->kind == KIND_FLOAT) {                                                                       \
                const float *a = from;                                                                                \
                float *restrict o = to;                                                                               \
                for (int r = 0; r < BLOCK; r++)                                                                       \
                    o[r] = for_float;                                                                                 \
            } else {                                                                                                  \
                const double *a = from;                                                                               \
                double *restrict o = to;                                                                              \
                for (int r = 0; r < BLOCK; r++)                                                                       \
                    o[r] = for_double;                                                                                \
            }                                                                                                         \
        }                                                                                                             \
    }

ONE(neg, -a[r], -a[r])
ONE(abs, fabsf(a[r]), fabs(a[r]))
ONE(exp, expf(a[r]), exp(a[r]))
ONE(log, logf(a[r]), log(a[r]))
ONE(sqrt, sqrtf(a[r]), sqrt(a[r]))
ONE(sin, sinf(a[r]), sin(a[r]))
ONE(round, rintf(a[r]), rint(a[r]))
ONE(relu, a[r] > 0 ? a[r] : (a[r] != a[r] ? a[r] : 0), a[r] > 0 ? a[r] : (a[r] != a[r] ? a[r] : 0))
ONE(tanh, tanhf(a[r]), tanh(a[r]))
ONE(sigmoid, 1 / (1 + expf(-a[r])), 1 / (1 + exp(-a[r])))

WIDE void run_not(const step *s, workspace *w)
{
    for (uint32_t k = 0; k < s->out->width; k++)
        for (int r = 0; r < BLOCK; r++)
            column(w, s->out, k)[r] = 1 - column(w, s->in[0], k)[r];
}

WIDE void run_is_nan(const step *s, workspace *w)
{
    for (uint32_t k = 0; k < s->out->width; k++) {
        const void *from = column(w, s->in[0], k);
        float *to = column(w, s->out, k);
        for (int r = 0; r < BLOCK; r++)
            if (s->in[0]->kind == KIND_FLOAT)
                to[r] = ((const float *)from)[r] != ((const float *)from)[r];
            else
                to[r] = ((const double *)from)[r] != ((const double *)from)[r];
    }
}

WIDE void run_where(const step *s, workspace *w)
{
    for (uint32_t k = 0; k < s->out->width; k++) {
        const float *condition = column(w, s->in[0], k);
        const void *yes = column_or_only(w, s->in[1], k), *no = column_or_only(w, s->in[2], k);
        void *to = column(w, s->out, k);
        for (int r = 0; r < BLOCK; r++)
            if (s->out->kind == KIND_DOUBLE)
                ((double *)to)[r] = condition[r] ? ((const double *)yes)[r] : ((const double *)no)[r];
            else
                ((float *)to)[r] = condition[r] ? ((const float *)yes)[r] : ((const float *)no)[r];
    }
}
