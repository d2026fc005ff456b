/* JSON (RFC 8259), read as a whole. */
#ifndef SED_TEXT_JSON_H
#define SED_TEXT_JSON_H

#include "text/arena.h"
#include "text/text.h"

typedef enum { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_LIST, JSON_OBJECT } json_kind;

/* The parts of a list or an object are a chain, from `first` on by `next`; those of an object have keys. A number is
   `whole` where it is written without a point and an exponent. */
typedef struct json {
    json_kind kind;
    bool whole;
    double number;
    text string, key;
    size_t count;
    const struct json *first, *next;
} json;

/* Read a document; NULL where it is not JSON, or has an object with a key twice, a text with the character 0, or an
   infinite number. */
const json *json_read(arena *from, const char *data, size_t size);

/* Find the part of an object with this key, of whichever kind; NULL where there is none. */
const json *json_any(const json *object, const char *key);

/* Find the part of an object with this key and kind; NULL where there is none. */
const json *json_part(const json *object, const char *key, json_kind kind);

/* The text of a key, or `otherwise` where the object has no text of that key. */
text json_text(const json *object, const char *key, text otherwise);

#endif
