/* Operators over the columns of a row. */
#include <math.h>

#include "onnx/operators.h"
#include "onnx/post_transform.h"

bool plan_reduce(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    const onnx_attribute *given = onnx_attribute_of(node, "axes");
    const onnx_tensor *axes = s->n_in == 2 ? s->in[1]->constant : NULL;
    bool one = axes ? axes->count == 1 && axes->integers : given && given->n_integers == 1;
    int64_t axis = !one ? 0 : axes ? axes->integers[0] : given->integers[0];
    like(s->out, s->in[0]);
    s->out->width = 1;
    s->out->rank = onnx_integer(node, "keepdims", 1) ? 2 : 1;
    return needs(is_rows(s->in[0]) && (axis == 1 || axis == -1), node, error);
}

#define REDUCE(name, first, next, last)                                                                               \
    WIDE void run_reduce_##name(const step *s, workspace *w)                                                          \
    {                                                                                                                 \
        float *restrict o = column(w, s->out, 0);                                                                     \
        for (uint32_t k = 0; k < s->in[0]->width; k++) {                                                              \
            const float *a = column(w, s->in[0], k);                                                                  \
            for (int r = 0; r < BLOCK; r++)                                                                           \
                o[r] = k ? next : first;                                                                              \
        }                                                                                                             \
        for (int r = 0; r < BLOCK; r++)                                                                               \
            o[r] = last;                                                                                              \
    }

REDUCE(sum, a[r], o[r] + a[r], o[r])
REDUCE(mean, a[r], o[r] + a[r], o[r] / (float)s->in[0]->width)
REDUCE(min, a[r], a[r] < o[r] || a[r] != a[r] ? a[r] : o[r], o[r])
REDUCE(max, a[r], a[r] > o[r] || a[r] != a[r] ? a[r] : o[r], o[r])

static bool along_columns(const onnx_node *node, const step *s, int64_t otherwise)
{
    int64_t axis = onnx_integer(node, "axis", otherwise);
    return s->n_in == 1 && is_rows(s->in[0]) && (axis == 1 || axis == -1);
}

bool plan_arg_max(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    like(s->out, s->in[0]);
    s->out->kind = KIND_INTEGER;
    s->out->width = 1;
    s->out->rank = onnx_integer(node, "keepdims", 1) ? 2 : 1;
    return needs(along_columns(node, s, 0) && !onnx_integer(node, "select_last_index", 0), node, error);
}

WIDE void run_arg_max(const step *s, workspace *w)
{
    float most[BLOCK];
    float *place = column(w, s->out, 0);
    for (uint32_t k = 0; k < s->in[0]->width; k++) {
        const float *a = column(w, s->in[0], k);
        for (int r = 0; r < BLOCK; r++) {
            bool more = !k || a[r] > most[r];
            most[r] = more ? a[r] : most[r];
            place[r] = more ? (float)k : place[r];
        }
    }
}

bool plan_softmax(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    like(s->out, s->in[0]);
    return needs(along_columns(node, s, -1), node, error);
}

void run_softmax(const step *s, workspace *w)
{
    for (uint32_t k = 0; k < s->out->width; k++)
        for (int r = 0; r < BLOCK; r++)
            column(w, s->out, k)[r] = column(w, s->in[0], k)[r];
    softmax((float *const *)w->columns + s->out->first, s->out->width);
}

/* Norms of ai.onnx.ml's Normalizer. */
typedef enum { NORM_L1, NORM_L2, NORM_MAX } norm;

bool plan_normalizer(arena *from, const onnx_node *node, step *s, failure *error)
{
    static const norm norms[] = {NORM_L1, NORM_L2, NORM_MAX};
    (void)from;
    const onnx_attribute *given = onnx_attribute_of(node, "norm");
    text name = given ? given->string : text_of("MAX");
    s->own = is(name, "L1") ? norms : is(name, "L2") ? norms + 1 : norms + 2;
    like(s->out, s->in[0]);
    return needs(s->n_in == 1 && is_rows(s->in[0]), node, error);
}

void run_normalizer(const step *s, workspace *w)
{
    norm kind = *(const norm *)s->own;
    float size[BLOCK] = {0};
    for (uint32_t k = 0; k < s->out->width; k++)
        for (int r = 0; r < BLOCK; r++) {
            float x = column(w, s->in[0], k)[r];
            if (kind == NORM_MAX)
                size[r] = !k || x > size[r] ? x : size[r];
            else
                size[r] += kind == NORM_L1 ? fabsf(x) : x * x;
        }
    for (int r = 0; r < BLOCK; r++)
        size[r] = kind == NORM_L2 ? sqrtf(size[r]) : size[r];
    for (uint32_t k = 0; k < s->out->width; k++)
        for (int r = 0; r < BLOCK; r++)
            column(w, s->out, k)[r] = column(w, s->in[0], k)[r] / (size[r] != 0 ? size[r] : 1);
}
