/* Hostile bytes as a model's graph and as its card: nothing may crash, hang, or take memory without bound.

   tests/native/fuzz/run builds this with clang's libFuzzer and the sanitizers, and runs it. */
#include <stdlib.h>

#include "block.h"
#include "card.h"
#include "graph.h"

static void try_card(const uint8_t *data, size_t size)
{
    arena memory = {0};
    model_card card = {0};
    failure why;
    card_read(&memory, (const char *)data, size, &card, &why);
    arena_free(&memory);
}

static void try_graph(const uint8_t *data, size_t size)
{
    enum { WIDTH = 10 };
    arena memory = {0};
    onnx_graph file = {0};
    graph g = {0};
    failure why;
    text input = text_of("magnitudes");
    uint32_t width = WIDTH;
    graph_ends ends = {1, &input, &width, {{0}, text_of("probabilities"), {0}}};
    if (onnx_read(&memory, data, size, &file, &why) && graph_plan(&memory, &file, &ends, &g, &why)) {
        workspace *w = workspace_new(&g);
        for (uint32_t k = 0; w && k < WIDTH; k++)
            for (int row = 0; row < BLOCK; row++)
                column(w, g.values, k)[row] = row % 7 ? (float)(row % 13) * 1.25f - 2 * (float)k : 0.0f / 0;
        if (w)
            graph_run(&g, WANT_CLASS | WANT_PROBABILITIES, w);
        workspace_free(w);
    }
    arena_free(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    /* The file is where it would be in memory of its size, so that reading past its end is seen. */
    uint8_t *copy = malloc(size - 1 + !(size - 1));
    memcpy(copy, data + 1, size - 1);
    if (data[0] % 4)
        try_graph(copy, size - 1);
    else
        try_card(copy, size - 1);
    free(copy);
    return 0;
}
