/* The functions of labels, and of probabilities that an answer holds. */
#ifndef SED_DUCKDB_ANSWER_FUNCTIONS_H
#define SED_DUCKDB_ANSWER_FUNCTIONS_H

#include "duckdb/api.h"

/* Register _sed_place(label, model, key), and _sed_node_of(probabilities, number, model, key), _sed_branch_of and
   _sed_set_of with the same arguments. */
bool register_answer_functions(duckdb_connection connection);

#endif
