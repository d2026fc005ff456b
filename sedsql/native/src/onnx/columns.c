/* Operators that choose and join columns, at no cost: their outputs are the inputs' columns. And Cast. */
#include "onnx/operators.h"

static bool chosen(arena *from, const onnx_node *node, step *s, failure *error)
{
    const onnx_tensor *places = s->n_in == 2 ? s->in[1]->constant : NULL;
    const value *in = s->in[0];
    if (!needs(!in->constant && in->rank == 2 && places && places->integers && places->count, node, error))
        return false;
    like(s->out, in);
    if (!needs(places->count <= UINT16_MAX, node, error))
        return false;
    s->out->width = (uint32_t)places->count;
    uint32_t *own = arena_take(from, places->count, sizeof *own);
    if (!own)
        return fail(error, "needs more memory than there is");
    for (size_t k = 0; k < places->count; k++) {
        int64_t place = places->integers[k] < 0 ? places->integers[k] + in->width : places->integers[k];
        if (!needs(place >= 0 && place < in->width, node, error))
            return false;
        own[k] = (uint32_t)place;
    }
    s->own = own;
    return true;
}

bool plan_gather(arena *from, const onnx_node *node, step *s, failure *error)
{
    bool columns = onnx_integer(node, "axis", 0) == 1 && s->n_in == 2 && s->in[1]->constant &&
                   s->in[1]->constant->rank == 1;
    return needs(columns, node, error) && chosen(from, node, s, error);
}

bool plan_extract(arena *from, const onnx_node *node, step *s, failure *error)
{
    return chosen(from, node, s, error);
}

void alias_columns(const step *s, workspace *w)
{
    const uint32_t *places = s->own;
    for (uint32_t k = 0; k < s->out->width; k++)
        w->columns[s->out->first + k] = w->columns[s->in[0]->first + places[k]];
}

bool plan_concat(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    int64_t axis = onnx_integer(node, "axis", 0);
    bool fits = axis == 1 || axis == -1;
    uint64_t width = 0;
    for (uint32_t i = 0; i < s->n_in; i++) {
        fits &= !s->in[i]->constant && s->in[i]->rank == 2 && s->in[i]->kind == s->in[0]->kind;
        width += s->in[i]->width;
    }
    like(s->out, s->in[0]);
    s->out->width = width <= UINT32_MAX ? (uint32_t)width : UINT32_MAX;
    return needs(fits, node, error);
}

void alias_concat(const step *s, workspace *w)
{
    uint32_t next = s->out->first;
    for (uint32_t i = 0; i < s->n_in; i++)
        for (uint32_t k = 0; k < s->in[i]->width; k++)
            w->columns[next++] = w->columns[s->in[i]->first + k];
}

bool plan_same(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    like(s->out, s->in[0]);
    return needs(s->n_in == 1 && !s->in[0]->constant, node, error);
}

void alias_same(const step *s, workspace *w)
{
    for (uint32_t k = 0; k < s->out->width; k++)
        w->columns[s->out->first + k] = w->columns[s->in[0]->first + k];
}

bool plan_squeeze(arena *from, const onnx_node *node, step *s, failure *error)
{
    (void)from;
    const onnx_attribute *given = onnx_attribute_of(node, "axes");
    const onnx_tensor *axes = s->n_in == 2 ? s->in[1]->constant : NULL;
    size_t n = axes ? axes->count : given ? given->n_integers : 0;
    int64_t axis = !n ? 0 : axes && axes->integers ? axes->integers[0] : given ? given->integers[0] : 0;
    const value *in = s->in[0];
    like(s->out, in);
    s->out->rank = 1;
    return needs(!in->constant && in->rank == 2 && in->width == 1 && n == 1 && (axis == 1 || axis == -1), node, error);
}

static void run_to_double(const step *s, workspace *w)
{
    for (uint32_t k = 0; k < s->out->width; k++) {
        double *to = w->columns[s->out->first + k];
        const float *from = column(w, s->in[0], k);
        for (int r = 0; r < BLOCK; r++)
            to[r] = from[r];
    }
}

static void run_to_float(const step *s, workspace *w)
{
    for (uint32_t k = 0; k < s->out->width; k++) {
        const double *from = w->columns[s->in[0]->first + k];
        for (int r = 0; r < BLOCK; r++)
            column(w, s->out, k)[r] = (float)from[r];
    }
}

bool plan_cast(arena *from, const onnx_node *node, step *s, failure *error)
{
    static const operator unchanged = {"Cast", plan_cast, NULL, alias_same, 0};
    static const operator to_double = {"Cast", plan_cast, run_to_double, NULL, 0};
    static const operator to_float = {"Cast", plan_cast, run_to_float, NULL, 0};
    (void)from;
    int64_t to = onnx_integer(node, "to", 0);
    const value *in = s->in[0];
    bool fits = s->n_in == 1 && !in->constant && (to == TENSOR_FLOAT || to == TENSOR_DOUBLE);
    like(s->out, in);
    s->out->kind = to == TENSOR_DOUBLE ? KIND_DOUBLE : KIND_FLOAT;
    if (to == TENSOR_DOUBLE)
        s->op = in->kind == KIND_DOUBLE ? &unchanged : &to_double;
    else
        s->op = in->kind == KIND_DOUBLE ? &to_float : &unchanged;
    return needs(fits, node, error);
}
