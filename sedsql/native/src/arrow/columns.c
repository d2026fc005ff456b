#include "arrow/columns.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static const uint8_t *nulls_of(const struct ArrowArray *array)
{
    return array->null_count && array->n_buffers ? array->buffers[0] : NULL;
}

static bool is_there(const uint8_t *bits, int64_t row)
{
    return bits[row >> 3] >> (row & 7) & 1;
}

bool find_columns(const struct ArrowArray *batch, const struct ArrowSchema *schema, const int32_t *places,
                  batch_columns *found, failure *error)
{
    *found = (batch_columns){.batch = batch};
    if (strcmp(schema->format, "+s"))
        return fail(error, "A batch of columns is a struct in Arrow, not '%.20s'.", schema->format);
    for (int k = 0; k < COLUMNS; k++) {
        if (places[k] < 0)
            continue;
        if (places[k] >= batch->n_children || places[k] >= schema->n_children)
            return fail(error, "The batch has no column %d.", (int)places[k]);
        const struct ArrowSchema *type = schema->children[places[k]];
        const struct ArrowArray *column = batch->children[places[k]];
        bool is_number = !strcmp(type->format, "f") || !strcmp(type->format, "g");
        if (!is_number || type->dictionary || column->n_buffers != 2)
            return fail(error, "Column %.80s is not of Arrow's float or double.", type->name ? type->name : "");
        if (column->length < batch->offset + batch->length)
            return fail(error, "Column %.80s is shorter than its batch.", type->name ? type->name : "");
        found->columns[k] = column;
        found->is_double[k] = *type->format == 'g';
    }
    return true;
}

static void widen(const batch_columns *from, int k, int64_t first, uint32_t n, float *to)
{
    const struct ArrowArray *column = from->columns[k];
    int64_t start = column->offset + from->batch->offset + first;
    if (from->is_double[k]) {
        const double *numbers = (const double *)column->buffers[1] + start;
        for (uint32_t row = 0; row < n; row++)
            to[row] = (float)numbers[row];
    } else {
        memcpy(to, (const float *)column->buffers[1] + start, n * sizeof *to);
    }
    const uint8_t *bits = nulls_of(column), *of_rows = nulls_of(from->batch);
    for (uint32_t row = 0; bits && row < n; row++)
        to[row] = is_there(bits, start + row) ? to[row] : NAN;
    for (uint32_t row = 0; of_rows && row < n; row++)
        to[row] = is_there(of_rows, from->batch->offset + first + row) ? to[row] : NAN;
}

/* Whether the rows are floats that stand as the kernel wants them, with bits for nulls, if any, in whole words. */
static bool is_usable(const batch_columns *from, int k, int64_t start, uint32_t n)
{
    const struct ArrowArray *column = from->columns[k];
    const uint8_t *bits = nulls_of(column);
    bool in_words = !bits || (start % 64 == 0 && n % 64 == 0 && (uintptr_t)bits % sizeof(uint64_t) == 0);
    bool in_floats = !from->is_double[k] && (uintptr_t)column->buffers[1] % sizeof(float) == 0;
    return in_floats && in_words && !nulls_of(from->batch);
}

void point_to_rows(const batch_columns *from, int64_t first, uint32_t n, float *scratch, input_columns *to)
{
    *to = (input_columns){.data = {NULL}};
    for (int k = 0; k < COLUMNS; k++) {
        const struct ArrowArray *column = from->columns[k];
        if (!column)
            continue;
        int64_t start = column->offset + from->batch->offset + first;
        if (!is_usable(from, k, start, n)) {
            widen(from, k, first, n, scratch + k * CHUNK);
            to->data[k] = scratch + k * CHUNK;
            continue;
        }
        const uint64_t *words = (const uint64_t *)(const void *)nulls_of(column);
        to->data[k] = (const float *)column->buffers[1] + start;
        to->validity[k] = words ? words + start / 64 : NULL;
    }
}
