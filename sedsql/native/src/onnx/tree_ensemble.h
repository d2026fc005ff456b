/* The operators TreeEnsembleRegressor and TreeEnsembleClassifier (ai.onnx.ml 1 to 3). */
#ifndef SED_ONNX_TREE_ENSEMBLE_H
#define SED_ONNX_TREE_ENSEMBLE_H

#include "onnx/operator.h"
#include "trees/forest.h"

/* The forest of a step whose outputs are plain sums of votes, exact in float32; NULL for every other step. */
const forest *exact_forest_of(const step *s);

#endif
