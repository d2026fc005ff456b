/* Sums of columns with constant weights: MatMul, Gemm, linear classifiers, scalers; and imputing. */
#include <math.h>
#include <string.h>

#include "block.h"
#include "forest.h"
#include "operators.h"

/* out[k] = bias[k] + sum over i of weights[i * width + k] * in[i] */
typedef struct {
    const float *weights, *bias;
    enum forest_end end;
} affine;

static bool affine_of(arena *from, step *s, const float *weights, const float *bias, enum forest_end end,
                      failure *why)
{
    affine *own = arena_take(from, 1, sizeof *own);
    if (!own || !weights || !bias)
        return fail(why, "needs more memory than there is");
    *own = (affine){weights, bias, end};
    s->own = own;
    return true;
}

bool plan_matmul(arena *from, const onnx_node *node, step *s, failure *why)
{
    const onnx_tensor *weights = s->n_in == 2 ? s->in[1]->constant : NULL;
    if (!needs(is_rows(s->in[0]) && weights && weights->floats && weights->rank == 2 &&
                   weights->dims[0] == s->in[0]->width && weights->dims[1] <= UINT16_MAX, node, why))
        return false;
    like(s->out, s->in[0]);
    s->out->width = (uint32_t)weights->dims[1];
    return affine_of(from, s, weights->floats, arena_take(from, s->out->width, sizeof(float)), END_NONE, why);
}

bool plan_gemm(arena *from, const onnx_node *node, step *s, failure *why)
{
    const onnx_attribute *alpha = onnx_attribute_of(node, "alpha"), *beta = onnx_attribute_of(node, "beta");
    bool plain = (!alpha || alpha->number == 1) && (!beta || beta->number == 1) && !onnx_integer(node, "transA", 0);
    bool across = onnx_integer(node, "transB", 0);
    const onnx_tensor *weights = s->n_in > 1 ? s->in[1]->constant : NULL;
    const onnx_tensor *bias = s->n_in > 2 ? s->in[2]->constant : NULL;
    if (!needs(plain && is_rows(s->in[0]) && weights && weights->floats && weights->rank == 2 &&
                   weights->dims[across] == s->in[0]->width && weights->dims[!across] <= UINT16_MAX, node, why))
        return false;
    uint32_t width = (uint32_t)weights->dims[!across], inputs = s->in[0]->width;
    if (!needs(s->n_in < 3 || (bias && bias->floats && (bias->count == width || bias->count == 1)), node, why))
        return false;
    like(s->out, s->in[0]);
    s->out->width = width;
    float *turned = arena_take(from, weights->count, sizeof *turned);
    float *added = arena_take(from, width, sizeof *added);
    for (uint32_t k = 0; turned && added && k < width; k++) {
        for (uint32_t i = 0; i < inputs; i++)
            turned[(size_t)i * width + k] = weights->floats[across ? (size_t)k * inputs + i : (size_t)i * width + k];
        if (bias)
            added[k] = bias->floats[bias->count == 1 ? 0 : k];
    }
    return affine_of(from, s, turned, added, END_NONE, why);
}

bool plan_linear(arena *from, const onnx_node *node, step *s, failure *why)
{
    const onnx_attribute *coefficients = onnx_attribute_of(node, "coefficients");
    const onnx_attribute *intercepts = onnx_attribute_of(node, "intercepts");
    const onnx_attribute *end = onnx_attribute_of(node, "post_transform");
    const onnx_attribute *strings = onnx_attribute_of(node, "classlabels_strings");
    const onnx_attribute *numbers = onnx_attribute_of(node, "classlabels_ints");
    size_t classes = strings && strings->n_strings ? strings->n_strings : numbers ? numbers->n_integers : 0;
    size_t inputs = s->in[0]->width;
    bool known = !end || is(end->string, "NONE") || is(end->string, "LOGISTIC") || is(end->string, "SOFTMAX");
    if (!needs(s->n_in == 1 && is_rows(s->in[0]) && known && classes && classes <= UINT16_MAX && coefficients &&
                   coefficients->n_floats == classes * inputs && intercepts && intercepts->n_floats == classes,
               node, why))
        return false;
    like(s->out, s->in[0]);
    s->out->width = (uint32_t)classes;
    float *turned = arena_take(from, classes * inputs, sizeof *turned);
    for (size_t k = 0; turned && k < classes; k++)
        for (size_t i = 0; i < inputs; i++)
            turned[i * classes + k] = coefficients->floats[k * inputs + i];
    enum forest_end last = !end || is(end->string, "NONE") ? END_NONE
                           : is(end->string, "SOFTMAX")    ? END_SOFTMAX
                                                           : END_LOGISTIC;
    return affine_of(from, s, turned, intercepts->floats, last, why);
}

/* Sixteen rows; the compiler makes of it what registers there are. Columns are aligned to it. */
typedef float sixteen __attribute__((vector_size(64)));
enum { STRIP = 4, STRIPS = BLOCK / 16 }; /* sums of 64 rows stay in registers */

WIDE static void add_up(float *const *in, uint32_t inputs, const affine *own, uint32_t width, float *const *out)
{
    for (uint32_t k = 0; k < width; k++) {
        sixteen *to = (sixteen *)out[k];
        for (int strip = 0; strip < STRIPS; strip += STRIP) {
            sixteen zero = {0}, a = zero + own->bias[k], b = a, c = a, d = a;
            for (uint32_t i = 0; i < inputs; i++) {
                const sixteen *from = (const sixteen *)in[i] + strip;
                float weight = own->weights[(size_t)i * width + k];
                a += from[0] * weight;
                b += from[1] * weight;
                c += from[2] * weight;
                d += from[3] * weight;
            }
            to[strip] = a;
            to[strip + 1] = b;
            to[strip + 2] = c;
            to[strip + 3] = d;
        }
    }
}

void run_affine(const step *s, workspace *w)
{
    const affine *own = s->own;
    uint32_t width = s->out->width;
    float *const *out = (float *const *)w->columns + s->out->first;
    add_up((float *const *)w->columns + s->in[0]->first, s->in[0]->width, own, width, out);
    for (uint32_t k = 0; k < width && own->end == END_LOGISTIC; k++)
        for (int r = 0; r < BLOCK; r++)
            out[k][r] = 1 / (1 + expf(-out[k][r]));
    if (own->end == END_SOFTMAX)
        softmax(out, width);
}

/* A number for each column from a list that has one for each, or one for all. */
static const float *spread(arena *from, const onnx_attribute *given, float otherwise, uint32_t width)
{
    float *numbers = arena_take(from, width, sizeof *numbers);
    for (uint32_t k = 0; numbers && k < width; k++)
        numbers[k] = !given || !given->n_floats ? otherwise : given->floats[given->n_floats == 1 ? 0 : k];
    return numbers;
}

static bool fits(const onnx_attribute *given, uint32_t width)
{
    return !given || given->n_floats <= 1 || given->n_floats == width;
}

typedef struct {
    const float *first, *second;
    float replaced;
} by_column;

static bool by_column_of(arena *from, step *s, const onnx_attribute *first, const onnx_attribute *second,
                         float replaced, failure *why)
{
    by_column *own = arena_take(from, 1, sizeof *own);
    uint32_t width = s->in[0]->width;
    if (!own)
        return fail(why, "needs more memory than there is");
    *own = (by_column){spread(from, first, 0, width), spread(from, second, 1, width), replaced};
    s->own = own;
    like(s->out, s->in[0]);
    return !from->exhausted || fail(why, "needs more memory than there is");
}

bool plan_scaler(arena *from, const onnx_node *node, step *s, failure *why)
{
    const onnx_attribute *offset = onnx_attribute_of(node, "offset"), *scale = onnx_attribute_of(node, "scale");
    uint32_t width = s->in[0]->width;
    return needs(s->n_in == 1 && is_rows(s->in[0]) && fits(offset, width) && fits(scale, width), node, why) &&
           by_column_of(from, s, offset, scale, 0, why);
}

void run_scaler(const step *s, workspace *w)
{
    const by_column *own = s->own;
    for (uint32_t k = 0; k < s->out->width; k++)
        for (int r = 0; r < BLOCK; r++)
            column(w, s->out, k)[r] = (column(w, s->in[0], k)[r] - own->first[k]) * own->second[k];
}

bool plan_imputer(arena *from, const onnx_node *node, step *s, failure *why)
{
    const onnx_attribute *imputed = onnx_attribute_of(node, "imputed_value_floats");
    const onnx_attribute *replaced = onnx_attribute_of(node, "replaced_value_float");
    return needs(s->n_in == 1 && is_rows(s->in[0]) && imputed && fits(imputed, s->in[0]->width), node, why) &&
           by_column_of(from, s, imputed, NULL, replaced ? replaced->number : 0, why);
}

void run_imputer(const step *s, workspace *w)
{
    const by_column *own = s->own;
    for (uint32_t k = 0; k < s->out->width; k++)
        for (int r = 0; r < BLOCK; r++) {
            float x = column(w, s->in[0], k)[r];
            bool gone = isnan(own->replaced) ? isnan(x) : x == own->replaced;
            column(w, s->out, k)[r] = gone ? own->first[k] : x;
        }
}

bool plan_trees(arena *from, const onnx_node *node, step *s, failure *why)
{
    forest *f = arena_take(from, 1, sizeof *f);
    if (!f)
        return fail(why, "needs more memory than there is");
    if (!needs(s->n_in == 1 && is_rows(s->in[0]), node, why) || !forest_read(from, node, s->in[0]->width, f, why))
        return false;
    like(s->out, s->in[0]);
    s->out->width = f->n_targets;
    s->own = f;
    return true;
}

void run_trees(const step *s, workspace *w)
{
    forest_scores(s->own, (const float *const *)w->columns + s->in[0]->first,
                  (float *const *)w->columns + s->out->first, w->room);
}
