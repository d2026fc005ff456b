/* Which models can be called: sets of them, each under a key, for the life of the process. */
#ifndef SED_REGISTRY_H
#define SED_REGISTRY_H

#include "failure.h"
#include "model.h"
#include "text.h"

typedef struct model_set model_set;

/* A set under `key`; one that is there already stays, unless a card was changed since: then the new one is found from now
   on. Models are loaded when they are first asked for. False with a sentence where a folder holds no model or the default
   is none of them. */
bool registry_add(text key, text default_name, const text *folders, size_t n, failure *why);

/* NULL where there is none under this key. */
model_set *registry_find(text key);

/* The set's model of this name, or its default for no name; NULL with a sentence where it has none or cannot run. */
model *registry_model(model_set *set, text name, failure *why);

#endif
