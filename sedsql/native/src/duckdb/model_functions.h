/* The functions that make models known, and tell which of them run. */
#ifndef SED_DUCKDB_MODEL_FUNCTIONS_H
#define SED_DUCKDB_MODEL_FUNCTIONS_H

#include "duckdb/api.h"

/* Register sed_models(key, default, folders) and sed_refused(model, key). */
bool register_model_functions(duckdb_connection connection);

#endif
