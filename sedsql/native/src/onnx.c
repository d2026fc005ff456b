#include "onnx.h"

/* Protocol buffers, the encoding: https://protobuf.dev/programming-guides/encoding/ */
enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };

/* No graph that runs in a query comes near; a hostile one must not cost time that grows faster than its size. */
enum { MOST_NODES = 1024, MOST_INPUTS = 64, MOST_ATTRIBUTES = 64 };

typedef struct {
    const uint8_t *at, *end;
    bool damaged;
} cursor;

typedef struct {
    uint64_t number, value;
    int wire;
    text body;
} field;

typedef struct {
    arena *from;
    bool damaged;
} reader;

static cursor over(text bytes)
{
    const uint8_t *data = (const uint8_t *)(bytes.size ? bytes.data : "");
    return (cursor){data, data + bytes.size, false};
}

static uint64_t varint(cursor *c)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (c->at == c->end)
            break;
        uint8_t byte = *c->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    c->damaged = true;
    return 0;
}

static bool next(cursor *c, field *f)
{
    if (c->damaged || c->at == c->end)
        return false;
    uint64_t key = varint(c);
    size_t size = 0;
    *f = (field){.number = key >> 3, .wire = (int)(key & 7)};
    if (f->wire == VARINT)
        f->value = varint(c);
    else if (f->wire == LENGTH)
        size = varint(c);
    else if (f->wire == FOUR_BYTES || f->wire == EIGHT_BYTES)
        size = f->wire == FOUR_BYTES ? 4 : 8;
    else
        c->damaged = true;
    if (c->damaged || size > (size_t)(c->end - c->at)) {
        c->damaged = true;
        return false;
    }
    f->body = (text){(const char *)c->at, size};
    c->at += size;
    return true;
}

/* Whether a field with this number and encoding follows; others are passed over. */
static bool find(cursor *c, uint64_t number, int wire, field *f)
{
    while (next(c, f))
        if (f->number == number && f->wire == wire)
            return true;
    return false;
}

static bool first(text message, uint64_t number, int wire, field *f)
{
    cursor c = over(message);
    return find(&c, number, wire, f);
}

static text string_of(text message, uint64_t number)
{
    field f;
    return first(message, number, LENGTH, &f) ? f.body : (text){0};
}

static int64_t integer_of(text message, uint64_t number)
{
    field f;
    return first(message, number, VARINT, &f) ? (int64_t)f.value : 0;
}

static float float_from(const char *bytes)
{
    float value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static const text *messages(reader *r, text message, uint64_t number, size_t *count)
{
    field f;
    *count = 0;
    cursor c = over(message);
    while (find(&c, number, LENGTH, &f))
        ++*count;
    r->damaged |= c.damaged;
    text *found = arena_take(r->from, *count, sizeof *found);
    size_t k = 0;
    c = over(message);
    while (found && find(&c, number, LENGTH, &f))
        found[k++] = f.body;
    return found;
}

/* A list of integers, packed or not. */
static const int64_t *integers(reader *r, text message, uint64_t number, size_t *count)
{
    int64_t *found = NULL;
    for (int pass = 0; pass < 2; pass++) {
        size_t k = 0;
        field f;
        cursor c = over(message);
        while (next(&c, &f)) {
            if (f.number != number)
                continue;
            cursor packed = over(f.body);
            while (f.wire == LENGTH && packed.at < packed.end && !packed.damaged) {
                int64_t value = (int64_t)varint(&packed);
                if (found)
                    found[k] = value;
                k++;
            }
            r->damaged |= packed.damaged;
            if (f.wire == VARINT && found)
                found[k] = (int64_t)f.value;
            k += f.wire == VARINT;
        }
        r->damaged |= c.damaged;
        if (pass || r->damaged)
            break;
        *count = k;
        if (!(found = arena_take(r->from, k, sizeof *found)))
            break;
    }
    if (r->damaged || !found)
        *count = 0;
    return found;
}

/* A list of numbers of `width` bytes each, packed or not, copied as they stand. */
static const void *numbers(reader *r, text message, uint64_t number, size_t width, size_t *count)
{
    char *found = NULL;
    int single = width == 4 ? FOUR_BYTES : EIGHT_BYTES;
    for (int pass = 0; pass < 2; pass++) {
        size_t bytes = 0;
        field f;
        cursor c = over(message);
        while (next(&c, &f)) {
            if (f.number != number || (f.wire != LENGTH && f.wire != single))
                continue;
            if (found && f.body.size)
                memcpy(found + bytes, f.body.data, f.body.size);
            bytes += f.body.size;
        }
        r->damaged |= c.damaged || bytes % width;
        if (pass || r->damaged)
            break;
        *count = bytes / width;
        if (!(found = arena_take(r->from, bytes, 1)))
            break;
    }
    if (r->damaged || !found)
        *count = 0;
    return found;
}

static const int64_t *widened(reader *r, text raw, size_t width, size_t *count)
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

static const void *copied(reader *r, text raw, size_t width, size_t *count)
{
    *count = raw.size / width;
    void *copy = arena_take(r->from, *count, width);
    if (copy && *count)
        memcpy(copy, raw.data, *count * width);
    return copy;
}

static onnx_tensor tensor_of(reader *r, text message)
{
    enum { DIMS = 1, TYPE = 2, FLOATS = 4, INT32S = 5, STRINGS = 6, INT64S = 7, NAME = 8, RAW = 9, DOUBLES = 10 };
    onnx_tensor tensor = {.name = string_of(message, NAME), .type = (int)integer_of(message, TYPE)};
    size_t rank, count = 0;
    const int64_t *dims = integers(r, message, DIMS, &rank);
    field raw = {0};
    bool is_raw = first(message, RAW, LENGTH, &raw);
    if (tensor.type == TENSOR_FLOAT)
        tensor.floats = is_raw ? copied(r, raw.body, 4, &count) : numbers(r, message, FLOATS, 4, &count);
    else if (tensor.type == TENSOR_DOUBLE)
        tensor.doubles = is_raw ? copied(r, raw.body, 8, &count) : numbers(r, message, DOUBLES, 8, &count);
    else if (tensor.type == TENSOR_INT64)
        tensor.integers = is_raw ? widened(r, raw.body, 8, &count) : integers(r, message, INT64S, &count);
    else if (tensor.type == TENSOR_INT32)
        tensor.integers = is_raw ? widened(r, raw.body, 4, &count) : integers(r, message, INT32S, &count);
    else if (tensor.type == TENSOR_BOOL)
        tensor.integers = is_raw ? widened(r, raw.body, 1, &count) : integers(r, message, INT32S, &count);
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

static onnx_attribute attribute_of(reader *r, text message)
{
    enum { NAME = 1, FLOAT = 2, INTEGER = 3, STRING = 4, TENSOR = 5, FLOATS = 7, INTEGERS = 8, STRINGS = 9 };
    onnx_attribute attribute = {.name = string_of(message, NAME), .string = string_of(message, STRING)};
    field f;
    if (first(message, FLOAT, FOUR_BYTES, &f))
        attribute.number = float_from(f.body.data);
    attribute.has_integer = first(message, INTEGER, VARINT, &f);
    if (attribute.has_integer)
        attribute.integer = (int64_t)f.value;
    attribute.floats = numbers(r, message, FLOATS, 4, &attribute.n_floats);
    attribute.integers = integers(r, message, INTEGERS, &attribute.n_integers);
    attribute.strings = messages(r, message, STRINGS, &attribute.n_strings);
    if (first(message, TENSOR, LENGTH, &f)) {
        onnx_tensor *tensor = arena_take(r->from, 1, sizeof *tensor);
        if (tensor)
            *tensor = tensor_of(r, f.body);
        attribute.tensor = tensor;
    }
    return attribute;
}

static onnx_node node_of(reader *r, text message)
{
    enum { INPUT = 1, OUTPUT = 2, OP = 4, ATTRIBUTE = 5, DOMAIN = 7 };
    onnx_node node = {.op = string_of(message, OP), .domain = string_of(message, DOMAIN)};
    node.inputs = messages(r, message, INPUT, &node.n_inputs);
    node.outputs = messages(r, message, OUTPUT, &node.n_outputs);
    const text *given = messages(r, message, ATTRIBUTE, &node.n_attributes);
    r->damaged |= node.n_attributes > MOST_ATTRIBUTES; /* one of two bytes takes a hundred in memory */
    if (r->damaged)
        node.n_attributes = 0;
    onnx_attribute *attributes = arena_take(r->from, node.n_attributes, sizeof *attributes);
    for (size_t k = 0; given && attributes && k < node.n_attributes; k++)
        attributes[k] = attribute_of(r, given[k]);
    node.attributes = attributes;
    return node;
}

static const text *ends(reader *r, text graph, uint64_t number, size_t *count, const int64_t **types)
{
    enum { NAME = 1, TYPE = 2, TENSOR = 1, ELEMENT = 1 };
    text *names = (text *)messages(r, graph, number, count);
    int64_t *elements = arena_take(r->from, *count, sizeof *elements);
    for (size_t k = 0; names && elements && k < *count; k++) {
        elements[k] = integer_of(string_of(string_of(names[k], TYPE), TENSOR), ELEMENT);
        names[k] = string_of(names[k], NAME);
    }
    *types = elements;
    return names;
}

bool onnx_read(arena *from, const uint8_t *file, size_t size, onnx_graph *graph, failure *why)
{
    enum { GRAPH = 7, NODE = 1, CONSTANT = 5, INPUT = 11, OUTPUT = 12 };
    reader r = {from, false};
    text whole = {(const char *)file, size};
    field f, again;
    cursor c = over(whole);
    bool found = find(&c, GRAPH, LENGTH, &f);
    while (next(&c, &again))
        ;
    if (c.damaged || !found)
        return fail(why, "is no ONNX file, or not all of one");
    const text *nodes = messages(&r, f.body, NODE, &graph->n_nodes);
    const text *constants = messages(&r, f.body, CONSTANT, &graph->n_constants);
    if (graph->n_nodes > MOST_NODES || graph->n_constants > MOST_NODES)
        return fail(why, "has more than %d nodes or constants", MOST_NODES);
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
            return fail(why, "has a node with more than %d inputs or outputs", MOST_INPUTS);
    graph->nodes = read_nodes;
    graph->constants = read_constants;
    if (from->exhausted)
        return fail(why, "needs more memory than there is");
    return !r.damaged || fail(why, "is damaged: a part of it is cut or does not fit the rest");
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
