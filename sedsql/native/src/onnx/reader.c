#include "onnx/reader.h"

#include "onnx/protobuf.h"

/* Far more than a graph has that runs in a query, so that the time for a hostile one grows no faster than its size. */
enum { MOST_NODES = 1024, MOST_INPUTS = 64, MOST_ATTRIBUTES = 64 };

static float float_from(const char *bytes)
{
    float value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static const int64_t *widened(message_reader *r, text raw, size_t width, size_t *count)
{
    *count = raw.size / width;
    int64_t *wide = arena_take(r->from, *count, sizeof *wide);
    for (size_t k = 0; wide && k < *count; k++) {
        int32_t narrow;
        if (width == 8)
            memcpy(wide + k, raw.data + 8 * k, 8);
        else if (width == 4)
            memcpy(&narrow, raw.data + 4 * k, 4), wide[k] = narrow;
        else
            wide[k] = raw.data[k];
    }
    return wide;
}

static const void *copied(message_reader *r, text raw, size_t width, size_t *count)
{
    *count = raw.size / width;
    void *copy = arena_take(r->from, *count, width);
    if (copy && *count)
        memcpy(copy, raw.data, *count * width);
    return copy;
}

static onnx_tensor tensor_of(message_reader *r, text message)
{
    enum { DIMS = 1, TYPE = 2, FLOATS = 4, INT32S = 5, STRINGS = 6, INT64S = 7, NAME = 8, RAW = 9, DOUBLES = 10 };
    onnx_tensor tensor = {.name = bytes_of(message, NAME), .type = (int)integer_of(message, TYPE)};
    size_t rank, count = 0;
    const int64_t *dims = integers_of(r, message, DIMS, &rank);
    field raw = {0};
    bool is_raw = first_field(message, RAW, LENGTH, &raw);
    if (tensor.type == TENSOR_FLOAT)
        tensor.floats = is_raw ? copied(r, raw.body, 4, &count) : numbers_of(r, message, FLOATS, 4, &count);
    else if (tensor.type == TENSOR_DOUBLE)
        tensor.doubles = is_raw ? copied(r, raw.body, 8, &count) : numbers_of(r, message, DOUBLES, 8, &count);
    else if (tensor.type == TENSOR_INT64)
        tensor.integers = is_raw ? widened(r, raw.body, 8, &count) : integers_of(r, message, INT64S, &count);
    else if (tensor.type == TENSOR_INT32)
        tensor.integers = is_raw ? widened(r, raw.body, 4, &count) : integers_of(r, message, INT32S, &count);
    else if (tensor.type == TENSOR_BOOL)
        tensor.integers = is_raw ? widened(r, raw.body, 1, &count) : integers_of(r, message, INT32S, &count);
    tensor.count = count;
    tensor.rank = rank <= MOST_DIMS ? (int)rank : MOST_DIMS;
    size_t product = 1;
    for (size_t d = 0; d < rank; d++) {
        bool fits = dims[d] >= 0 && (!dims[d] || product <= SIZE_MAX / (uint64_t)dims[d]);
        r->damaged |= !fits || d >= MOST_DIMS;
        if (d < MOST_DIMS)
            tensor.dims[d] = dims[d];
        product = fits ? product * (size_t)dims[d] : 0;
    }
    bool read = tensor.floats || tensor.doubles || tensor.integers;
    r->damaged |= read && product != count;
    return tensor;
}

static onnx_attribute attribute_of(message_reader *r, text message)
{
    enum { NAME = 1, FLOAT = 2, INTEGER = 3, STRING = 4, TENSOR = 5, FLOATS = 7, INTEGERS = 8, STRINGS = 9 };
    onnx_attribute attribute = {.name = bytes_of(message, NAME), .string = bytes_of(message, STRING)};
    field f;
    if (first_field(message, FLOAT, FOUR_BYTES, &f))
        attribute.number = float_from(f.body.data);
    attribute.has_integer = first_field(message, INTEGER, VARINT, &f);
    if (attribute.has_integer)
        attribute.integer = (int64_t)f.value;
    attribute.floats = numbers_of(r, message, FLOATS, 4, &attribute.n_floats);
    attribute.integers = integers_of(r, message, INTEGERS, &attribute.n_integers);
    attribute.strings = messages_of(r, message, STRINGS, &attribute.n_strings);
    if (first_field(message, TENSOR, LENGTH, &f)) {
        onnx_tensor *tensor = arena_take(r->from, 1, sizeof *tensor);
        if (tensor)
            *tensor = tensor_of(r, f.body);
        attribute.tensor = tensor;
    }
    return attribute;
}

static onnx_node node_of(message_reader *r, text message)
{
    enum { INPUT = 1, OUTPUT = 2, OP = 4, ATTRIBUTE = 5, DOMAIN = 7 };
    onnx_node node = {.op = bytes_of(message, OP), .domain = bytes_of(message, DOMAIN)};
    node.inputs = messages_of(r, message, INPUT, &node.n_inputs);
    node.outputs = messages_of(r, message, OUTPUT, &node.n_outputs);
    const text *given = messages_of(r, message, ATTRIBUTE, &node.n_attributes);
    r->damaged |= node.n_attributes > MOST_ATTRIBUTES; /* one that is two bytes in the file takes a hundred in memory */
    if (r->damaged)
        node.n_attributes = 0;
    onnx_attribute *attributes = arena_take(r->from, node.n_attributes, sizeof *attributes);
    for (size_t k = 0; given && attributes && k < node.n_attributes; k++)
        attributes[k] = attribute_of(r, given[k]);
    node.attributes = attributes;
    return node;
}

static const text *ends(message_reader *r, text graph, uint64_t number, size_t *count, const int64_t **types)
{
    enum { NAME = 1, TYPE = 2, TENSOR = 1, ELEMENT = 1 };
    text *names = (text *)messages_of(r, graph, number, count);
    int64_t *elements = arena_take(r->from, *count, sizeof *elements);
    for (size_t k = 0; names && elements && k < *count; k++) {
        elements[k] = integer_of(bytes_of(bytes_of(names[k], TYPE), TENSOR), ELEMENT);
        names[k] = bytes_of(names[k], NAME);
    }
    *types = elements;
    return names;
}

bool onnx_read(arena *from, const uint8_t *file, size_t size, onnx_graph *graph, failure *error)
{
    enum { GRAPH = 7, NODE = 1, CONSTANT = 5, INPUT = 11, OUTPUT = 12 };
    message_reader r = {from, false};
    text whole = {(const char *)file, size};
    field f, again;
    cursor c = fields_of(whole);
    bool found = find_field(&c, GRAPH, LENGTH, &f);
    while (next_field(&c, &again))
        ;
    if (c.damaged || !found)
        return fail(error, "is no ONNX file, or not all of one");
    const text *nodes = messages_of(&r, f.body, NODE, &graph->n_nodes);
    const text *constants = messages_of(&r, f.body, CONSTANT, &graph->n_constants);
    if (graph->n_nodes > MOST_NODES || graph->n_constants > MOST_NODES)
        return fail(error, "has more than %d nodes or constants", MOST_NODES);
    const int64_t *output_types;
    graph->inputs = ends(&r, f.body, INPUT, &graph->n_inputs, &graph->input_types);
    graph->outputs = ends(&r, f.body, OUTPUT, &graph->n_outputs, &output_types);
    onnx_node *read_nodes = arena_take(from, graph->n_nodes, sizeof *read_nodes);
    onnx_tensor *read_constants = arena_take(from, graph->n_constants, sizeof *read_constants);
    for (size_t k = 0; nodes && read_nodes && k < graph->n_nodes; k++)
        read_nodes[k] = node_of(&r, nodes[k]);
    for (size_t k = 0; constants && read_constants && k < graph->n_constants; k++)
        read_constants[k] = tensor_of(&r, constants[k]);
    for (size_t k = 0; read_nodes && k < graph->n_nodes; k++)
        if (read_nodes[k].n_inputs > MOST_INPUTS || read_nodes[k].n_outputs > MOST_INPUTS)
            return fail(error, "has a node with more than %d inputs or outputs", MOST_INPUTS);
    graph->nodes = read_nodes;
    graph->constants = read_constants;
    if (from->exhausted)
        return fail(error, "needs more memory than there is");
    return !r.damaged || fail(error, "is damaged: a part of it is cut or does not fit the rest");
}

const onnx_attribute *onnx_attribute_of(const onnx_node *node, const char *name)
{
    for (size_t k = 0; k < node->n_attributes; k++)
        if (is(node->attributes[k].name, name))
            return node->attributes + k;
    return NULL;
}

int64_t onnx_integer(const onnx_node *node, const char *name, int64_t otherwise)
{
    const onnx_attribute *attribute = onnx_attribute_of(node, name);
    return attribute && attribute->has_integer ? attribute->integer : otherwise;
}
