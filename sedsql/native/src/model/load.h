/* Models from their folders: card.json and model.onnx. */
#ifndef SED_MODEL_LOAD_H
#define SED_MODEL_LOAD_H

#include "model/model.h"

/* Read the name in a folder's card, and the card's sha256; false with a sentence where there is none. */
bool model_name(const char *folder, char *name, size_t capacity, char digest[65], failure *error);

/* Load the model of a folder. NULL with a sentence where the folder holds no model, a card with another digest, a graph
   that is not the card's, or one that only ONNX Runtime runs. The last will not change: then `for_good`. */
model *model_load(const char *folder, const char *digest, bool *for_good, failure *error);

#endif
