/* The types that functions take and give. */
#ifndef SED_TYPES_H
#define SED_TYPES_H

#include "duckdb_api.h"

duckdb_logical_type type_integer(void);
duckdb_logical_type type_float(void);
duckdb_logical_type type_double(void);
duckdb_logical_type type_text(void);
duckdb_logical_type type_doubles(void);     /* DOUBLE[] */
duckdb_logical_type type_texts(void);       /* VARCHAR[] */
duckdb_logical_type type_prediction(void);  /* PREDICTION of sedsql/inference/answers.py */
duckdb_logical_type type_answer(void);      /* ANSWER of it */
duckdb_logical_type type_branch(void);      /* BRANCH of it */
duckdb_logical_type type_explanation(void); /* EXPLANATION of sedsql/inference/explain.py */

#endif
