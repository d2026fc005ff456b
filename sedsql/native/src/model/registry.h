/* The models that can be called: sets of them, each under a key, for the life of the process. */
#ifndef SED_MODEL_REGISTRY_H
#define SED_MODEL_REGISTRY_H

#include "model/model.h"
#include "text/failure.h"
#include "text/text.h"

typedef struct model_set model_set;

/* Add a set under `key`. A set with the same models stays; a set with others is no longer found. Models are loaded when
   they are first used. False with a sentence where a folder holds no model, or where the default is none of them. */
bool registry_add(text key, text default_name, const text *folders, size_t n, failure *error);

/* Find the set of a key; NULL where there is none. */
model_set *registry_find(text key);

/* Find a set's model by name, the default for no name, and load it. NULL with a sentence where there is none or where
   it cannot run. */
model *registry_model(model_set *set, text name, failure *error);

#endif
