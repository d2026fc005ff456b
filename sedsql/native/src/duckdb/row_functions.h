/* The functions of a row's magnitudes: the same as in sedsql/inference/onnx_functions.py. */
#ifndef SED_DUCKDB_ROW_FUNCTIONS_H
#define SED_DUCKDB_ROW_FUNCTIONS_H

#include "duckdb/api.h"

/* Register _sed_class, _sed_proba and the others; each takes the columns, its own arguments, the model's name, and the
   key of the set of models. */
bool register_row_functions(duckdb_connection connection);

#endif
