/* Bytes that belong to somebody else, such as a file's, without a zero at the end. */
#ifndef SED_TEXT_TEXT_H
#define SED_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct {
    const char *data;
    size_t size;
} text;

static inline text text_of(const char *string)
{
    return (text){string, strlen(string)};
}

static inline bool same(text one, text other)
{
    return one.size == other.size && (!one.size || !memcmp(one.data, other.data, one.size));
}

static inline bool is(text one, const char *string)
{
    return same(one, text_of(string));
}

/* Compare two texts byte by byte, as memcmp does. */
static inline int text_order(text one, text other)
{
    size_t least = one.size < other.size ? one.size : other.size;
    int order = least ? memcmp(one.data, other.data, least) : 0;
    return order ? order : (one.size > other.size) - (one.size < other.size);
}

/* The length to print with "%.*s"; a text longer than a name is cut. */
static inline int shown(text one)
{
    return one.size < 80 ? (int)one.size : 80;
}

#endif
