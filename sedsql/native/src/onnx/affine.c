/* Operators that add up columns with constant weights (MatMul, Gemm, LinearClassifier), Scaler and Imputer. */
#include <math.h>
#include <string.h>

#include "onnx/operators.h"
#include "onnx/post_transform.h"

/* out[k] = bias[k] + sum over i of weights[i * width + k] * in[i] */
typedef struct {
    const float *weights, *bias;
    post_transform end;
} affine;

static bool affine_of(arena *from, step *s, const float *weights, const float *bias, post_transform end,
                      failure *error)
{
    affine *own = arena_take(from, 1, sizeof *own);
    if (!own || !weights || !bias)
        return fail(error, "needs more memory than there is");
    *own = (affine){weights, bias, end};
    s->own = own;
    return true;
}

bool plan_matmul(arena *from, const onnx_node *node, step *s, failure *error)
{
    const onnx_tensor *weights = s->n_in == 2 ? s->in[1]->constant : NULL;
    if (!needs(is_rows(s->in[0]) && weights && weights->floats && weights->rank == 2 &&
                   weights->dims[0] == s->in[0]->width && weights->dims[1] <= UINT16_MAX, node, error))
        return false;
    like(s->out, s->in[0]);
    s->out->width = (uint32_t)weights->dims[1];
    return affine_of(from, s, weights->floats, arena_take(from, s->out->width, sizeof(float)), TRANSFORM_NONE, error);
}

bool plan_gemm(arena *from, const onnx_node *node, step *s, failure *error)
{
    const onnx_attribute *alpha = onnx_attribute_of(node, "alpha"), *beta = onnx_attribute_of(node, "beta");
    bool unscaled = (!alpha || alpha->number == 1) && (!beta || beta->number == 1) && !onnx_integer(node, "transA", 0);
    bool across = onnx_integer(node, "transB", 0);
    const onnx_tensor *weights = s->n_in > 1 ? s->in[1]->constant : NULL;
    const onnx_tensor *bias = s->n_in > 2 ? s->in[2]->constant : NULL;
    if (!needs(unscaled && is_rows(s->in[0]) && weights && weights->floats && weights->rank == 2 &&
                   weights->dims[across] == s->in[0]->width && weights->dims[!across] <= UINT16_MAX, node, error))
        return false;
    uint32_t width = (uint32_t)weights->dims[!across], inputs = s->in[0]->width;
    if (!needs(s->n_in < 3 || (bias && bias->floats && (bias->count == width || bias->count == 1)), node, error))
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
    return affine_of(from, s, turned, added, TRANSFORM_NONE, error);
}

bool plan_linear(arena *from, const onnx_node *node, step *s, failure *error)
{
    const onnx_attribute *coefficients = onnx_attribute_of(node, "coefficients");
    const onnx_attribute *intercepts = onnx_attribute_of(node, "intercepts");
    const onnx_attribute *strings = onnx_attribute_of(node, "classlabels_strings");
    const onnx_attribute *numbers = onnx_attribute_of(node, "classlabels_ints");
    size_t classes = strings && strings->n_strings ? strings->n_strings : numbers ? numbers->n_integers : 0;
    size_t inputs = s->in[0]->width;
    post_transform end;
    bool known = post_transform_of(node, &end);
    if (!needs(s->n_in == 1 && is_rows(s->in[0]) && known && classes && classes <= UINT16_MAX && coefficients &&
                   coefficients->n_floats == classes * inputs && intercepts && intercepts->n_floats == classes,
               node, error))
        return false;
    like(s->out, s->in[0]);
    s->out->width = (uint32_t)classes;
    float *turned = arena_take(from, classes * inputs, sizeof *turned);
    for (size_t k = 0; turned && k < classes; k++)
        for (size_t i = 0; i < inputs; i++)
            turned[i * classes + k] = coefficients->floats[k * inputs + i];
    return affine_of(from, s, turned, intercepts->floats, end, error);
}

/* Sixteen rows, in whatever registers the compiler has for them. Columns are aligned to their size. */
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
    post_transform_apply(own->end, out, width);
}

/* Make a list of a number for each column; the given list has one for each, or one for all, or is missing. */
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
} by_column; /* two numbers for each column: of Scaler or Imputer */

static bool by_column_of(arena *from, step *s, const onnx_attribute *first, const onnx_attribute *second,
                         float replaced, failure *error)
{
    by_column *own = arena_take(from, 1, sizeof *own);
    uint32_t width = s->in[0]->width;
    if (!own)
        return fail(error, "needs more memory than there is");
    *own = (by_column){spread(from, first, 0, width), spread(from, second, 1, width), replaced};
    s->own = own;
    like(s->out, s->in[0]);
    return !from->exhausted || fail(error, "needs more memory than there is");
}

bool plan_scaler(arena *from, const onnx_node *node, step *s, failure *error)
{
    const onnx_attribute *offset = onnx_attribute_of(node, "offset"), *scale = onnx_attribute_of(node, "scale");
    uint32_t width = s->in[0]->width;
    return needs(s->n_in == 1 && is_rows(s->in[0]) && fits(offset, width) && fits(scale, width), node, error) &&
           by_column_of(from, s, offset, scale, 0, error);
}

void run_scaler(const step *s, workspace *w)
{
    const by_column *own = s->own;
    for (uint32_t k = 0; k < s->out->width; k++)
        for (int r = 0; r < BLOCK; r++)
            column(w, s->out, k)[r] = (column(w, s->in[0], k)[r] - own->first[k]) * own->second[k];
}

bool plan_imputer(arena *from, const onnx_node *node, step *s, failure *error)
{
    const onnx_attribute *imputed = onnx_attribute_of(node, "imputed_value_floats");
    const onnx_attribute *replaced = onnx_attribute_of(node, "replaced_value_float");
    return needs(s->n_in == 1 && is_rows(s->in[0]) && imputed && fits(imputed, s->in[0]->width), node, error) &&
           by_column_of(from, s, imputed, NULL, replaced ? replaced->number : 0, error);
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
