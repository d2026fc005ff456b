/* The graph of a model, tied to what the model's card says of its inputs and outputs. */
#ifndef SED_MODEL_BIND_H
#define SED_MODEL_BIND_H

#include "model/model.h"

/* Plan the graph in these bytes, which stay in memory, for a model whose card is read; false with half a sentence,
   which goes on from the model's name. */
bool model_bind(model *m, const uint8_t *graph, size_t size, failure *error);

#endif
