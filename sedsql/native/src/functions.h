/* The functions that SQL calls: the same as in sedsql/inference/functions.py. */
#ifndef SED_FUNCTIONS_H
#define SED_FUNCTIONS_H

#include "duckdb_api.h"

bool sed_register_functions(duckdb_connection connection);

#endif
