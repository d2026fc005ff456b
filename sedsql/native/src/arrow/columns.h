/* Columns of an Arrow batch as the kernel wants them: floats, NaN for what is missing. */
#ifndef SED_ARROW_COLUMNS_H
#define SED_ARROW_COLUMNS_H

#include "arrow/abi.h"
#include "model/evaluate.h"
#include "text/failure.h"

enum { COLUMNS = BANDS + INPUTS, CHUNK = 4 * BLOCK };

/* A batch whose columns are checked: numbers of 4 or 8 bytes, as long as the batch. */
typedef struct {
    const struct ArrowArray *batch;
    const struct ArrowArray *columns[COLUMNS]; /* in the order of `input_columns`; NULL where one is not given */
    bool is_double[COLUMNS];
} batch_columns;

/* Find the columns in a batch, a struct: `places` has the child of each, or -1. False with a sentence. */
bool find_columns(const struct ArrowArray *batch, const struct ArrowSchema *schema, const int32_t *places,
                  batch_columns *found, failure *error);

/* Point to rows of the columns, from the `first` on, at most CHUNK; what cannot be used where it is goes to `scratch`,
   which has CHUNK floats for each column. */
void point_to_rows(const batch_columns *from, int64_t first, uint32_t n, float *scratch, input_columns *to);

#endif
