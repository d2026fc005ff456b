#include "model/bind.h"

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

/* Find the inputs and outputs that the card names, as sedsql/inference/binding.py does. */
static bool bind(model *m, const onnx_graph *file, failure *error)
{
    const model_card *card = &m->card;
    text inputs[INPUTS];
    uint32_t widths[INPUTS], n = 0;
    for (size_t k = 0; k < file->n_inputs; k++) {
        if (is_constant(file, file->inputs[k]))
            continue;
        if (n == INPUTS || file->input_types[k] != TENSOR_FLOAT)
            return fail(error, "takes inputs that are not float columns, which only ONNX Runtime runs");
        inputs[n++] = file->inputs[k];
    }
    text matrix = json_text(card->card, "input", text_of("magnitudes"));
    bool one = n == 1 && (card->n_columns > 1 || same(inputs[0], matrix));
    if (one ? !same(inputs[0], matrix) : n != card->n_columns)
        return fail(error, "takes other inputs than its card says");
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
    if (!graph_plan(&m->memory, file, &ends, &m->graph, error))
        return false;
    const value *classes = m->graph.outputs[0], *probabilities = m->graph.outputs[1], *far = m->graph.outputs[2];
    if (!probabilities || probabilities->constant || probabilities->rank != 2 ||
        probabilities->kind != KIND_FLOAT || probabilities->width != card->n_classes)
        return fail(error, "does not give a probability for each of its %u classes", card->n_classes);
    if ((classes && (classes->rank != 1 || classes->kind != KIND_INTEGER)) ||
        (far && (far->rank != 1 || far->kind != KIND_FLOAT)))
        return fail(error, "gives the class's place or the distance in a way that only ONNX Runtime runs");

    const json *names = json_part(card->card, "inputs", JSON_OBJECT);
    for (uint32_t k = 0; k < card->n_columns; k++) {
        text column = text_of(input_names[card->columns[k]]);
        text wanted = json_text(names, input_names[card->columns[k]], column);
        uint32_t i = 0;
        while (!one && i < n && !same(inputs[i], wanted))
            i++;
        if (i == n)
            return fail(error, "takes no input %.*s", shown(wanted), wanted.data);
        m->inputs[k] = m->graph.values + i;
    }
    return true;
}

bool model_bind(model *m, const uint8_t *graph, size_t size, failure *error)
{
    onnx_graph file = {0};
    if (!onnx_read(&m->memory, graph, size, &file, error) || !bind(m, &file, error))
        return false;
    const json *missing = json_part(m->card.card, "missing", JSON_NUMBER);
    m->has_missing = missing;
    m->missing = missing ? (float)missing->number : 0;
    m->log_odds = log_odds_plan_of(&m->graph);
    return true;
}
