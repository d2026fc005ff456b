/* JSON (RFC 8259), read whole: a model's card. */
#ifndef SED_JSON_H
#define SED_JSON_H

#include "arena.h"
#include "text.h"

typedef enum { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_LIST, JSON_OBJECT } json_kind;

/* A list's or an object's parts begin at `first` and go on by `next`; those of an object have keys. */
typedef struct json {
    json_kind kind;
    double number;
    text string, key;
    size_t count;
    const struct json *first, *next;
} json;

/* NULL where it is not JSON, or where an object has a key twice, a text the character 0, or a number is infinite. */
const json *json_read(arena *from, const char *data, size_t size);

/* The part of an object with this key, of this kind; NULL where there is none. */
const json *json_part(const json *object, const char *key, json_kind kind);

/* A key's text or number, or what is given otherwise. */
text json_text(const json *object, const char *key, text otherwise);

#endif
