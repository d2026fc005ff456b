/* The contents of an ONNX file: nodes, constants, names. onnx.proto of ONNX 1.x has the numbers of the fields. */
#ifndef SED_ONNX_READER_H
#define SED_ONNX_READER_H

#include <stdint.h>

#include "text/arena.h"
#include "text/failure.h"
#include "text/text.h"

enum { TENSOR_FLOAT = 1, TENSOR_INT32 = 6, TENSOR_INT64 = 7, TENSOR_BOOL = 9, TENSOR_DOUBLE = 11 };
enum { MOST_DIMS = 4 };

/* One of floats, doubles and integers is set, by the type; none of them for other types. */
typedef struct {
    text name;
    int type, rank;
    int64_t dims[MOST_DIMS];
    size_t count;
    const float *floats;
    const double *doubles;
    const int64_t *integers;
} onnx_tensor;

typedef struct {
    text name, string;
    float number;
    int64_t integer;
    bool has_integer;
    size_t n_floats, n_integers, n_strings;
    const float *floats;
    const int64_t *integers;
    const text *strings;
    const onnx_tensor *tensor;
} onnx_attribute;

typedef struct {
    text op, domain;
    size_t n_inputs, n_outputs, n_attributes;
    const text *inputs, *outputs;
    const onnx_attribute *attributes;
} onnx_node;

typedef struct {
    size_t n_nodes, n_constants, n_inputs, n_outputs;
    const onnx_node *nodes;
    const onnx_tensor *constants;
    const text *inputs, *outputs;
    const int64_t *input_types; /* of elements; 0 where an input is no tensor */
} onnx_graph;

/* Read the graph of a file that stays in memory; this takes memory of the order of the file's size. False with half a
   sentence, which goes on from the model's name. */
bool onnx_read(arena *from, const uint8_t *file, size_t size, onnx_graph *graph, failure *error);

/* Find an attribute of a node; NULL where it has none of that name. */
const onnx_attribute *onnx_attribute_of(const onnx_node *node, const char *name);

/* The integer of an attribute, or `otherwise` where it is missing. */
int64_t onnx_integer(const onnx_node *node, const char *name, int64_t otherwise);

#endif
