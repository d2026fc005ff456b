/* Hostile bytes as a model's graph, as its card, and as both: nothing may crash, hang, or take memory without bound.

   tests/native/fuzz/run builds this with the sanitizers and clang's libFuzzer, or driver.c where there is no clang. */
#include <math.h>
#include <stdlib.h>

#include "model/bind.h"
#include "model/log_odds.h"

static float magnitude(int row, uint32_t k)
{
    return row % 7 ? (float)(row % 13) * 1.25f - 2 * (float)k : NAN;
}

static void try_card(const uint8_t *data, size_t size)
{
    arena memory = {0};
    model_card card = {0};
    failure error;
    card_read(&memory, (const char *)data, size, &card, &error);
    arena_free(&memory);
}

static void try_graph(const uint8_t *data, size_t size)
{
    enum { WIDTH = 10 };
    arena memory = {0};
    onnx_graph file = {0};
    graph g = {0};
    failure error;
    text input = text_of("magnitudes");
    uint32_t width = WIDTH;
    graph_ends ends = {1, &input, &width, {{0}, text_of("probabilities"), {0}}};
    if (onnx_read(&memory, data, size, &file, &error) && graph_plan(&memory, &file, &ends, &g, &error)) {
        workspace *w = workspace_new(&g);
        for (uint32_t k = 0; w && k < WIDTH; k++)
            for (int row = 0; row < BLOCK; row++)
                column(w, g.values, k)[row] = magnitude(row, k);
        if (w)
            graph_run(&g, WANT_CLASS | WANT_PROBABILITIES, w);
        workspace_free(w);
    }
    arena_free(&memory);
}

static void run(model *m)
{
    prediction p;
    float log_odds[BLOCK];
    workspace *w = model_take(m);
    for (int again = 0; w && again < 2; again++) {
        for (uint32_t input = 0; input < INPUTS; input++) {
            float *to = model_input(m, w, input);
            for (int row = 0; to && row < BLOCK; row++)
                to[row] = magnitude(row, input);
        }
        if (again)
            model_log_odds(m, w, 0, (int32_t)m->card.n_classes - 1, log_odds, p.n_bands);
        else
            model_run(m, WANT_CLASS | WANT_PROBABILITIES | WANT_DISTANCE, w, &p);
        for (int row = 0; !again && row < BLOCK; row++)
            if (p.place[row] >= 0 && !m->card.classes[p.place[row]].data)
                abort();
    }
    if (w)
        model_give(m, w);
}

/* Two bytes tell how long the card is; the graph follows. */
static void try_model(const uint8_t *data, size_t size)
{
    if (size < 2)
        return;
    size_t of_card = data[0] + 256 * (size_t)data[1];
    of_card = of_card < size - 2 ? of_card : size - 2;
    model *m = calloc(1, sizeof *m);
    failure error;
    if (m && card_read(&m->memory, (const char *)data + 2, of_card, &m->card, &error) &&
        model_bind(m, data + 2 + of_card, size - 2 - of_card, &error))
        run(m);
    if (m)
        model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    /* The file is where it would be in memory of its size, so that reading past its end is seen. */
    uint8_t *copy = malloc(size - 1 + !(size - 1));
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 4 == 0)
        try_card(copy, size - 1);
    else if (data[0] % 4 == 2)
        try_model(copy, size - 1);
    else
        try_graph(copy, size - 1);
    free(copy);
    return 0;
}
