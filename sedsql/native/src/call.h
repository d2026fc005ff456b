/* A call of a function on a chunk of rows. */
#ifndef SED_CALL_H
#define SED_CALL_H

#include "duckdb_api.h"
#include "failure.h"
#include "model.h"

typedef struct {
    const float *data[BANDS + INPUTS];
    const uint64_t *validity[BANDS + INPUTS];
} call_columns; /* the bands, their errors where the function takes them, then what models may take; NULL = not given */

enum { MOST_ARGUMENTS = 2 };

/* The rows of a chunk that one model is asked for. */
typedef struct {
    model *model;
    workspace *space;
    const uint32_t *rows; /* NULL: all of the chunk, in order */
    uint32_t n;
    call_columns columns;
    const void *arguments[MOST_ARGUMENTS]; /* the function's own: labels or numbers */
    const uint64_t *argument_validity[MOST_ARGUMENTS];
    duckdb_vector output;
    failure *why;
} call;

/* Where a call's columns have what a model takes as input of this number. */
static inline uint32_t column_of(uint32_t input)
{
    return input < BANDS ? input : BANDS + input;
}

static inline uint32_t row_of(const call *c, uint32_t k)
{
    return c->rows ? c->rows[k] : k;
}

/* Writes the answers of `n` rows, from the `first` of the call on; false with a sentence. */
typedef bool write_function(const call *c, uint32_t first, uint32_t n, const prediction *p);
write_function write_class, write_probability, write_prediction, write_answer, write_node, write_set;

/* Asks the model for the rows, block by block, and writes what it says. */
bool ask(const call *c, unsigned wanted, write_function *write);
/* The same, averaged over draws within the errors of the bands. */
bool ask_with_errors(const call *c, unsigned wanted, write_function *write);
/* How far the class that the argument names is ahead of the second. */
bool ask_lead(const call *c, unsigned wanted, write_function *unused);
/* Shapley values of the bands. */
bool explain(const call *c, unsigned wanted, write_function *unused);

/* Copies `n` rows of a column from the `first` on to where the model has it; what is missing or infinite is NaN,
   and so is a declination beyond 90 degrees. */
void fill_input(const call *c, uint32_t at, uint32_t first, uint32_t n, float *to);
/* All that the model takes of them. */
void fill_inputs(const call *c, uint32_t first, uint32_t n);

/* Of probabilities that an answer holds, one list a row. */
bool node_of(const call *c, const model_card *card, uint32_t row, const double *probabilities, double least);
bool branch_of(const call *c, const model_card *card, uint32_t row, const double *probabilities, double least);
bool set_of(const call *c, const model_card *card, uint32_t row, const double *probabilities, double level);

/* Place of a label among the classes; -1 with a sentence where it is none. */
int32_t place_of_label(const model_card *card, text label, failure *why);

#endif
