/* The models that the rows of a chunk name. */
#ifndef SED_DUCKDB_CHUNK_MODELS_H
#define SED_DUCKDB_CHUNK_MODELS_H

#include "duckdb/api.h"
#include "model/model.h"

/* Use a model for some rows of a chunk, all of them where `rows` is NULL; false with a sentence. */
typedef bool use_model(void *user, model *m, const uint32_t *rows, uint32_t n, failure *error);

/* Call `use` for the rows of each model; the last two columns of `input` name the model and the key of the set of
   models. False with a sentence where there is no such model, or where `use` fails. */
bool for_each_model(duckdb_data_chunk input, use_model *use, void *user, failure *error);

#endif
