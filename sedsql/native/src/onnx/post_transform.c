#include "onnx/post_transform.h"

#include <math.h>

#include "trees/block.h"

bool post_transform_of(const onnx_node *node, post_transform *found)
{
    const onnx_attribute *given = onnx_attribute_of(node, "post_transform");
    *found = !given                         ? TRANSFORM_NONE
             : is(given->string, "LOGISTIC") ? TRANSFORM_LOGISTIC
             : is(given->string, "SOFTMAX")  ? TRANSFORM_SOFTMAX
                                             : TRANSFORM_NONE;
    return !given || *found != TRANSFORM_NONE || is(given->string, "NONE");
}

/* exp(x) for x <= 0, to some 1e-7: 2^n times a polynomial in the rest, which is at most half a power of two. A loop
   over it runs in vector registers, which one over libm's does not. */
static inline float exponential(float x)
{
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it leaves no bits after the point */
    x = x > -87.0f ? x : -87.0f;
    float n = x * 1.44269504f + to_integer - to_integer;
    float r = x - n * 0.693359375f + n * 2.12194440e-4f;
    float p = 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    union {
        int32_t bits;
        float number;
    } power = {((int32_t)n + 127) << 23};
    return p * power.number;
}

WIDE void softmax(float *const *scores, uint32_t width)
{
    float most[BLOCK], sum[BLOCK] = {0};
    for (uint32_t k = 0; k < width; k++)
        for (int r = 0; r < BLOCK; r++)
            most[r] = !k || scores[k][r] > most[r] ? scores[k][r] : most[r];
    for (uint32_t k = 0; k < width; k++)
        for (int r = 0; r < BLOCK; r++) {
            float x = scores[k][r] - most[r];
            scores[k][r] = x == x ? exponential(x) : x;
            sum[r] += scores[k][r];
        }
    for (uint32_t k = 0; k < width; k++)
        for (int r = 0; r < BLOCK; r++)
            scores[k][r] /= sum[r];
}

void post_transform_apply(post_transform transform, float *const *scores, uint32_t width)
{
    for (uint32_t k = 0; transform == TRANSFORM_LOGISTIC && k < width; k++)
        for (int row = 0; row < BLOCK; row++)
            scores[k][row] = 1 / (1 + expf(-scores[k][row]));
    if (transform == TRANSFORM_SOFTMAX)
        softmax(scores, width);
}
