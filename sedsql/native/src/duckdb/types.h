/* The SQL types of arguments and results. */
#ifndef SED_DUCKDB_TYPES_H
#define SED_DUCKDB_TYPES_H

#include "duckdb/api.h"

duckdb_logical_type type_integer(void);
duckdb_logical_type type_float(void);
duckdb_logical_type type_double(void);
duckdb_logical_type type_text(void);
duckdb_logical_type type_doubles(void);     /* DOUBLE[] */
duckdb_logical_type type_texts(void);       /* VARCHAR[] */
duckdb_logical_type type_prediction(void);  /* PREDICTION of sedsql/inference/answers.py */
duckdb_logical_type type_answer(void);      /* ANSWER there */
duckdb_logical_type type_branch(void);      /* BRANCH there */
duckdb_logical_type type_classified(void);  /* what mirrors store: see sedsql/inference/classified.py */
duckdb_logical_type type_explanation(void); /* EXPLANATION of sedsql/inference/explain.py */

#endif
