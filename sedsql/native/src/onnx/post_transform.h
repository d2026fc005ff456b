/* What ONNX's classifiers do to the scores of a row: the attribute post_transform. */
#ifndef SED_ONNX_POST_TRANSFORM_H
#define SED_ONNX_POST_TRANSFORM_H

#include "onnx/reader.h"

typedef enum { TRANSFORM_NONE, TRANSFORM_LOGISTIC, TRANSFORM_SOFTMAX } post_transform;

/* Read a node's attribute, which is NONE where it is missing; false where only ONNX Runtime knows it. */
bool post_transform_of(const onnx_node *node, post_transform *found);

/* Transform columns of BLOCK scores in place. */
void post_transform_apply(post_transform transform, float *const *scores, uint32_t width);

/* Turn columns of BLOCK scores into shares, in place: exp(score) over the row's sum of exp(score). */
void softmax(float *const *scores, uint32_t width);

#endif
