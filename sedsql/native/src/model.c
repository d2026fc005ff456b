#include "model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "card.h"
#include "lead.h"
#include "sha256.h"

const char *const input_names[INPUTS] = {
    "phot_g_mean_mag", "phot_bp_mean_mag", "phot_rp_mean_mag", "j_m", "h_m", "ks_m", "w1mpro", "w2mpro", "w3mpro",
    "w4mpro", "parallax", "parallax_error", "ra", "dec",
};

/* Larger files are no models that a query would want to run; a device or a pipe has no size at all. */
enum { LARGEST_CARD = 4 << 20, LARGEST_GRAPH = 1 << 30 };

static const char *read_file(arena *from, const char *folder, const char *name, size_t largest, size_t *size,
                             failure *why)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return fail(why, "No model in %.200s: the name of the folder is too long.", folder), NULL;
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(why, "No model in %s: %s: %s.", folder, name, strerror(errno)), NULL;
    char *data = NULL;
    long end = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    if (end < 0 || (unsigned long)end > largest)
        fail(why, "No model in %s: %s is no file of a reasonable size.", folder, name);
    else if (!(data = arena_take(from, (size_t)end + 1, 1)))
        fail(why, "No memory for %s in %s.", name, folder);
    else {
        rewind(file);
        *size = fread(data, 1, (size_t)end, file);
        if (*size != (size_t)end) {
            fail(why, "No model in %s: %s cannot be read.", folder, name);
            data = NULL;
        }
    }
    fclose(file);
    return data;
}

/* What is wrong is half a sentence that goes on from the model's name. */
static bool of_model(const model_card *card, const char *folder, failure *why)
{
    failure half = *why;
    if (card->name.size)
        return fail(why, "Model %.*s %.400s.", shown(card->name), card->name.data, half.text);
    return fail(why, "The model in %.150s %.400s.", folder, half.text);
}

static bool read_card(arena *from, const char *folder, model_card *card, char digest[65], failure *why)
{
    size_t size;
    const char *data = read_file(from, folder, "card.json", LARGEST_CARD, &size, why);
    if (!data)
        return false;
    sha256((const uint8_t *)data, size, digest);
    return card_read(from, data, size, card, why) || of_model(card, folder, why);
}

bool model_name(const char *folder, char *name, size_t room, char digest[65], failure *why)
{
    arena memory = {0};
    model_card card = {0};
    bool read = read_card(&memory, folder, &card, digest, why);
    if (read && card.name.size >= room)
        read = fail(why, "The model in %.200s has a name that is too long.", folder);
    if (read) {
        memcpy(name, card.name.data, card.name.size);
        name[card.name.size] = 0;
    }
    arena_free(&memory);
    return read;
}

static bool is_constant(const onnx_graph *file, text name)
{
    for (size_t k = 0; k < file->n_constants; k++)
        if (same(file->constants[k].name, name))
            return true;
    return false;
}

static bool has_output(const onnx_graph *file, text name)
{
    for (size_t k = 0; k < file->n_outputs; k++)
        if (same(file->outputs[k], name))
            return true;
    return false;
}

/* How the graph's inputs and outputs are those of the card, as in sedsql/inference/binding.py. */
static bool bind(model *m, const onnx_graph *file, failure *why)
{
    const model_card *card = &m->card;
    text inputs[INPUTS];
    uint32_t widths[INPUTS], n = 0;
    for (size_t k = 0; k < file->n_inputs; k++) {
        if (is_constant(file, file->inputs[k]))
            continue;
        if (n == INPUTS || file->input_types[k] != TENSOR_FLOAT)
            return fail(why, "takes inputs that are not float columns, which only ONNX Runtime runs");
        inputs[n++] = file->inputs[k];
    }
    text matrix = json_text(card->card, "input", text_of("magnitudes"));
    bool one = n == 1 && (card->n_columns > 1 || same(inputs[0], matrix));
    if (one ? !same(inputs[0], matrix) : n != card->n_columns)
        return fail(why, "takes other inputs than its card says");
    for (uint32_t k = 0; k < n; k++)
        widths[k] = one ? card->n_columns : 1;

    const json *given = json_part(card->card, "outputs", JSON_OBJECT);
    graph_ends ends = {n, inputs, widths, {{0}}};
    text place = json_text(given, "class_index", text_of("class_index"));
    ends.outputs[1] = json_text(given, "probabilities", text_of("probabilities"));
    if (has_output(file, place) || json_part(given, "class_index", JSON_STRING))
        ends.outputs[0] = place;
    if (card->quantiles && has_output(file, text_of("distance")))
        ends.outputs[2] = text_of("distance");
    if (!graph_plan(&m->memory, file, &ends, &m->graph, why))
        return false;
    const value *classes = m->graph.outputs[0], *probabilities = m->graph.outputs[1], *far = m->graph.outputs[2];
    if (!probabilities || probabilities->constant || probabilities->rank != 2 ||
        probabilities->kind != KIND_FLOAT || probabilities->width != card->n_classes)
        return fail(why, "does not give a probability for each of its %u classes", card->n_classes);
    if ((classes && (classes->rank != 1 || classes->kind != KIND_INTEGER)) ||
        (far && (far->rank != 1 || far->kind != KIND_FLOAT)))
        return fail(why, "gives the class's place or the distance in a way that only ONNX Runtime runs");

    const json *names = json_part(card->card, "inputs", JSON_OBJECT);
    for (uint32_t k = 0; k < card->n_columns; k++) {
        text column = text_of(input_names[card->columns[k]]);
        text wanted = json_text(names, input_names[card->columns[k]], column);
        uint32_t i = 0;
        while (!one && i < n && !same(inputs[i], wanted))
            i++;
        if (i == n)
            return fail(why, "takes no input %.*s", shown(wanted), wanted.data);
        m->inputs[k] = m->graph.values + i;
    }
    return true;
}

bool model_bind(model *m, const uint8_t *graph, size_t size, failure *why)
{
    onnx_graph file = {0};
    if (!onnx_read(&m->memory, graph, size, &file, why) || !bind(m, &file, why))
        return false;
    const json *missing = json_part(m->card.card, "missing", JSON_NUMBER);
    m->has_missing = missing;
    m->missing = missing ? (float)missing->number : 0;
    m->lead = lead_of(&m->graph);
    return true;
}

static bool load(model *m, const char *folder, const char *known, bool *for_good, failure *why)
{
    size_t size;
    char digest[65];
    if (!read_card(&m->memory, folder, &m->card, digest, why))
        return false;
    if (strcmp(digest, known))
        return fail(why, "Model %.*s was changed: %.200s/card.json is another than when you connected; connect again.",
                    shown(m->card.name), m->card.name.data, folder);
    const char *data = read_file(&m->memory, folder, "model.onnx", LARGEST_GRAPH, &size, why);
    if (!data)
        return false;
    sha256((const uint8_t *)data, size, digest);
    if (!is(m->card.sha256, digest))
        return fail(why,
                    "Model %.*s was changed: %.200s/model.onnx has sha256 %s, its card says %.*s. "
                    "Restore the file, or train it again.",
                    shown(m->card.name), m->card.name.data, folder, digest, shown(m->card.sha256),
                    m->card.sha256.data);
    *for_good = true;
    return model_bind(m, (const uint8_t *)data, size, why) || of_model(&m->card, folder, why);
}

model *model_load(const char *folder, const char *digest, bool *for_good, failure *why)
{
    model *m = calloc(1, sizeof *m);
    if (!m) {
        fail(why, "No memory for the model in %.200s.", folder);
        return NULL;
    }
    if (load(m, folder, digest, for_good, why))
        return m;
    model_free(m);
    return NULL;
}

void model_free(model *m)
{
    for (int k = 0; k < IDLE; k++)
        workspace_free(atomic_exchange(&m->idle[k], NULL));
    arena_free(&m->memory);
    free(m);
}

workspace *model_take(model *m)
{
    for (int k = 0; k < IDLE; k++) {
        workspace *w = atomic_exchange(&m->idle[k], NULL);
        if (w)
            return w;
    }
    return workspace_new(&m->graph);
}

void model_give(model *m, workspace *w)
{
    for (int k = 0; k < IDLE; k++) {
        workspace *none = NULL;
        if (atomic_compare_exchange_strong(&m->idle[k], &none, w))
            return;
    }
    workspace_free(w);
}

static float *graph_column(const model *m, const workspace *w, uint32_t k)
{
    return column(w, m->inputs[k], m->inputs[k]->width == 1 ? 0 : k);
}

float *model_input(const model *m, workspace *w, uint32_t input)
{
    for (uint32_t k = 0; k < m->card.n_columns; k++)
        if (m->card.columns[k] == input)
            return graph_column(m, w, k);
    return NULL;
}

WIDE void model_count_bands(const model *m, workspace *w, int32_t *n_bands)
{
    for (int row = 0; row < BLOCK; row++)
        n_bands[row] = 0;
    for (uint32_t k = 0; k < m->card.n_columns; k++) {
        float *values = graph_column(m, w, k);
        for (int row = 0; row < BLOCK && k < m->card.n_bands; row++)
            n_bands[row] += values[row] == values[row];
        for (int row = 0; row < BLOCK && m->has_missing; row++)
            values[row] = values[row] == values[row] ? values[row] : m->missing;
    }
}

static void most_probable(const model *m, prediction *p)
{
    float most[BLOCK];
    for (uint32_t c = 0; c < m->card.n_classes; c++)
        for (int row = 0; row < BLOCK; row++) {
            bool more = !c || p->probabilities[c][row] > most[row];
            most[row] = more ? p->probabilities[c][row] : most[row];
            p->place[row] = more ? (int32_t)c : p->place[row];
        }
}

/* Whether a magnitude is beyond what any source has: STRANGE_MAG in sedsql/inference/session.py. */
WIDE static void find_strange(const model *m, const workspace *w, int32_t *strange)
{
    for (int row = 0; row < BLOCK; row++)
        strange[row] = 0;
    for (uint32_t k = 0; k < m->card.n_bands; k++) {
        const float *values = graph_column(m, w, k);
        for (int row = 0; row < BLOCK; row++)
            strange[row] |= fabsf(values[row]) > 100;
    }
}

static void rarity(const model *m, const float *distance, const int32_t *strange, double *outlier)
{
    const double *quantiles = m->card.quantiles;
    for (int row = 0; row < BLOCK; row++) {
        double far = distance[row];
        int low = 0, high = 100;
        while (high - low > 1) {
            int middle = (low + high) / 2;
            if (quantiles[middle] <= far)
                low = middle;
            else
                high = middle;
        }
        double step = quantiles[high] - quantiles[low], share = low + (step > 0 ? (far - quantiles[low]) / step : 0);
        share = far >= quantiles[100] ? 100 : far < quantiles[0] ? 0 : share;
        outlier[row] = strange[row] ? 1 : far == far ? share / 100 : far;
    }
}

void model_run(const model *m, unsigned wanted, workspace *w, prediction *p)
{
    const graph *g = &m->graph;
    const value *classes = g->outputs[0], *probabilities = g->outputs[1];
    if (!classes && wanted & WANT_CLASS)
        wanted |= WANT_PROBABILITIES;
    if (!g->outputs[2])
        wanted &= ~(unsigned)WANT_DISTANCE;
    int32_t strange[BLOCK];
    if (wanted & WANT_DISTANCE)
        find_strange(m, w, strange);
    model_count_bands(m, w, p->n_bands);
    graph_run(g, wanted, w);
    p->probabilities = (const float *const *)w->columns + probabilities->first;
    if (!classes)
        most_probable(m, p);
    for (int row = 0; row < BLOCK; row++) {
        int32_t place = classes ? (int32_t)column(w, classes, 0)[row] : p->place[row];
        /* a graph of somebody else's may count more classes than its card */
        p->place[row] = p->n_bands[row] < m->card.min_bands || place >= (int32_t)m->card.n_classes ? -1 : place;
    }
    p->has_outlier = wanted & WANT_DISTANCE;
    if (p->has_outlier)
        rarity(m, column(w, g->outputs[2], 0), strange, p->outlier);
}
