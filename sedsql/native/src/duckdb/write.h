/* What a model says of rows, written into DuckDB's vectors; the types are those of types.h. */
#ifndef SED_DUCKDB_WRITE_H
#define SED_DUCKDB_WRITE_H

#include "duckdb/call.h"
#include "model/explain.h"

/* Write a block of a call's answers; `taker` is the call. */
take_predictions write_class, write_probability, write_prediction, write_answer, write_node, write_branch, write_set,
    write_classified;
take_log_odds write_log_odds;
take_explanation write_explanation;

/* Write what is told from the probabilities of one row; false with a sentence where the number is out of range. */
typedef bool write_from_probabilities(duckdb_vector output, uint32_t row, const model_card *card,
                                      const double *probabilities, double number, failure *error);
write_from_probabilities write_node_of, write_branch_of, write_set_of;

/* Write NULL for a branch. A field that SQL takes out of a NULL struct is NULL only where the field is NULL itself. */
void write_no_branch(duckdb_vector output, uint32_t row);

#endif
