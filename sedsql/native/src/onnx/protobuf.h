/* Protocol buffers, the encoding: https://protobuf.dev/programming-guides/encoding/ */
#ifndef SED_ONNX_PROTOBUF_H
#define SED_ONNX_PROTOBUF_H

#include <stdint.h>

#include "text/arena.h"
#include "text/text.h"

/* How a field is written. */
enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };

typedef struct {
    uint64_t number, value; /* value: of a VARINT */
    int wire;
    text body; /* of every other field */
} field;

/* The rest of a message; damaged where its bytes are cut, or are no fields. */
typedef struct {
    const uint8_t *at, *end;
    bool damaged;
} cursor;

cursor fields_of(text message);
bool next_field(cursor *c, field *f);

/* Read on to the next field of this number and encoding; false where there is none. */
bool find_field(cursor *c, uint64_t number, int wire, field *f);

/* Find the first such field of a message. */
bool first_field(text message, uint64_t number, int wire, field *f);

/* Read the first field of this number; give no bytes, or 0, where the message lacks it. */
text bytes_of(text message, uint64_t number);
int64_t integer_of(text message, uint64_t number);

/* Memory for lists, and whether one of them was damaged. */
typedef struct {
    arena *from;
    bool damaged;
} message_reader;

/* List the fields of this number, which hold messages or strings. */
const text *messages_of(message_reader *r, text message, uint64_t number, size_t *count);

/* Read a list of integers, packed or not. */
const int64_t *integers_of(message_reader *r, text message, uint64_t number, size_t *count);

/* Copy a list of numbers of `width` bytes each, packed or not. */
const void *numbers_of(message_reader *r, text message, uint64_t number, size_t width, size_t *count);

#endif
