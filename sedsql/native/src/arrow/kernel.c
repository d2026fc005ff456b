/* What the kernel's library exports, for callers who hold columns in Arrow's layout: sedsql/native/kernel.py. */
#include <math.h>
#include <stdlib.h>

#include "arrow/columns.h"
#include "model/answers.h"
#include "model/load.h"

#define EXPORTED __attribute__((visibility("default")))

/* The functions and their arguments; KERNEL of sedsql/native/kernel.py is the same number. */
enum { KERNEL = 2 };

/* Beside the wants of model/graph.h: average over draws within the errors; answer also rows with too few bands. */
enum { WITH_ERRORS = 8, EVERY_ROW = 16 };

/* Where answers go: `rows` of each, and of probabilities as many for each class; NULL for what is not wanted. `node`
   and `share` are the deepest node that has `least`. */
typedef struct {
    int32_t *n_bands, *place;
    float *probabilities;
    double *outlier;
    int32_t *node;
    double *share, least;
} answers;

typedef struct {
    const model *model;
    answers to;
    int64_t rows, first;
    unsigned wanted;
    failure *error;
} writing;

static bool write_node(const writing *w, int64_t row, uint32_t k, const prediction *p)
{
    double probabilities[MOST_CLASSES];
    uint32_t node;
    w->to.node[row] = -1;
    w->to.share[row] = NAN;
    if (p->n_bands[k] < w->model->card.min_bands)
        return true;
    for (uint32_t class = 0; class < w->model->card.n_classes; class++)
        probabilities[class] = p->probabilities[class][k];
    if (!deepest_node(&w->model->card, probabilities, w->to.least, &node, w->to.share + row, w->error))
        return false;
    w->to.node[row] = (int32_t)node;
    return true;
}

static bool write_answers(void *taker, uint32_t first, uint32_t n, const prediction *p)
{
    const writing *w = taker;
    int64_t at = w->first + first;
    int32_t least = w->wanted & EVERY_ROW ? 0 : w->model->card.min_bands;
    for (uint32_t k = 0; k < n; k++) {
        w->to.n_bands[at + k] = p->n_bands[k];
        w->to.place[at + k] = p->place[k];
    }
    for (uint32_t class = 0; w->to.probabilities && class < w->model->card.n_classes; class++) {
        float *column = w->to.probabilities + class * w->rows + at;
        for (uint32_t k = 0; k < n; k++)
            column[k] = p->n_bands[k] < least ? NAN : p->probabilities[class][k];
    }
    for (uint32_t k = 0; w->to.outlier && k < n; k++)
        w->to.outlier[at + k] = p->n_bands[k] < least || !p->has_outlier ? NAN : p->outlier[k];
    bool fine = true;
    for (uint32_t k = 0; w->to.node && fine && k < n; k++)
        fine = write_node(w, at + k, k, p);
    return fine;
}

EXPORTED int32_t sed_kernel(void)
{
    return KERNEL;
}

/* Load the model of a folder whose card has this digest. NULL with a sentence; `for_good` where only ONNX Runtime runs
   it. */
EXPORTED model *sed_kernel_load(const char *folder, const char *digest, bool *for_good, failure *error)
{
    return model_load(folder, digest, for_good, error);
}

EXPORTED void sed_kernel_free(model *m)
{
    model_free(m);
}

/* Ask a model of all rows of a batch, which the caller keeps. False with a sentence. */
EXPORTED bool sed_kernel_run(model *m, const struct ArrowArray *batch, const struct ArrowSchema *schema,
                             const int32_t *places, uint32_t wanted, const answers *to, failure *error)
{
    batch_columns columns;
    if (!find_columns(batch, schema, places, &columns, error))
        return false;
    writing w = {.model = m, .to = *to, .rows = batch->length, .wanted = wanted, .error = error};
    evaluation e = {.model = m, .space = model_take(m)};
    float *scratch = malloc(COLUMNS * CHUNK * sizeof *scratch);
    bool fine = e.space && scratch;
    if (!fine)
        fail(error, "No memory to run model %.*s.", shown(m->card.name), m->card.name.data);
    for (; fine && w.first < w.rows; w.first += CHUNK) {
        e.n = w.rows - w.first < CHUNK ? (uint32_t)(w.rows - w.first) : CHUNK;
        point_to_rows(&columns, w.first, e.n, scratch, &e.columns);
        unsigned wants = wanted & (WANT_CLASS | WANT_PROBABILITIES | WANT_DISTANCE);
        fine = (wanted & WITH_ERRORS ? evaluate_with_errors : evaluate)(&e, wants, write_answers, &w);
    }
    free(scratch);
    if (e.space)
        model_give(m, e.space);
    return fine;
}
