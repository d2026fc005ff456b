#include "text/json.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "text/utf8.h"

enum { DEEPEST = 64, LONGEST_NUMBER = 64 };

typedef struct {
    arena *from;
    const char *at, *end;
    int depth;
} reader;

static bool value_of(reader *r, json *v);

static void skip_blanks(reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(reader *r, char wanted)
{
    skip_blanks(r);
    if (r->at == r->end || *r->at != wanted)
        return false;
    r->at++;
    return true;
}

static bool word(reader *r, const char *wanted)
{
    size_t size = strlen(wanted);
    if ((size_t)(r->end - r->at) < size || memcmp(r->at, wanted, size))
        return false;
    r->at += size;
    return true;
}

static bool code_unit(reader *r, uint32_t *unit)
{
    *unit = 0;
    for (int k = 0; k < 4; k++) {
        if (r->at == r->end)
            return false;
        char c = *r->at++;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return false;
        *unit = *unit * 16 + (uint32_t)digit;
    }
    return true;
}

static char *utf8(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

static bool escaped(reader *r, char **to)
{
    if (r->at == r->end)
        return false;
    char c = *r->at++;
    const char *found = strchr("\"\\/b\bf\fn\nr\rt\t", c);
    if (c == 'u') {
        uint32_t code, low;
        if (!code_unit(r, &code))
            return false;
        if (code >= 0xd800 && code < 0xdc00) { /* the first half of a pair */
            if (!word(r, "\\u") || !code_unit(r, &low) || low < 0xdc00 || low > 0xdfff)
                return false;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        } else if (!code || (code >= 0xdc00 && code < 0xe000)) {
            return false; /* a second half alone, or a zero, which would end the text elsewhere */
        }
        *to = utf8(*to, code);
        return true;
    }
    if (!c || !found)
        return false;
    *(*to)++ = c == '"' || c == '\\' || c == '/' ? c : found[1];
    return true;
}

static bool string_of(reader *r, text *s)
{
    if (!take(r, '"'))
        return false;
    const char *end = r->at;
    while (end < r->end && *end != '"')
        end += *end == '\\' && end + 1 < r->end ? 2 : 1;
    if (end >= r->end)
        return false;
    /* An escape is never shorter than what it stands for. */
    char *data = arena_take(r->from, (size_t)(end - r->at) + 1, 1), *to = data;
    if (!data)
        return false;
    while (r->at < end) {
        size_t n = utf8_character(r->at, (size_t)(end - r->at));
        char c = *r->at;
        if (!n || (unsigned char)c < 0x20)
            return false;
        if (c == '\\') {
            r->at++;
            if (!escaped(r, &to))
                return false;
            continue;
        }
        memcpy(to, r->at, n);
        to += n;
        r->at += n;
    }
    r->at = end + 1;
    *s = (text){data, (size_t)(to - data)};
    return true;
}

static bool digits(const char **at)
{
    const char *first = *at;
    while (**at >= '0' && **at <= '9')
        ++*at;
    return *at > first;
}

/* Whether a number is written as in JSON; strtod accepts more. */
static bool is_number(const char *at)
{
    at += *at == '-';
    const char *first = at;
    if (!digits(&at) || (*first == '0' && at > first + 1))
        return false;
    if (*at == '.' && (++at, !digits(&at)))
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        if (!digits(&at))
            return false;
    }
    return !*at;
}

static bool number_of(reader *r, json *v)
{
    char written[LONGEST_NUMBER];
    size_t n = 0;
    while (r->at < r->end && n < sizeof written - 1 && strchr("+-.0123456789eE", *r->at) && *r->at)
        written[n++] = *r->at++;
    written[n] = 0;
    char *end;
    v->kind = JSON_NUMBER;
    v->whole = !strpbrk(written, ".eE");
    v->number = strtod(written, &end);
    return is_number(written) && end == written + n && isfinite(v->number);
}

static int by_key(const void *one, const void *other)
{
    return text_order(*(const text *)one, *(const text *)other);
}

static bool keys_differ(reader *r, const json *object)
{
    text *keys = arena_take(r->from, object->count, sizeof *keys);
    size_t n = 0;
    for (const json *part = object->first; keys && part; part = part->next)
        keys[n++] = part->key;
    if (keys)
        qsort(keys, n, sizeof *keys, by_key);
    for (size_t k = 1; k < n; k++)
        if (same(keys[k], keys[k - 1]))
            return false;
    return keys;
}

static bool parts_of(reader *r, json *v, char end)
{
    const json **link = &v->first;
    r->at++;
    if (++r->depth > DEEPEST)
        return false;
    if (!take(r, end)) {
        do {
            json *part = arena_take(r->from, 1, sizeof *part);
            if (!part)
                return false;
            if (end == '}' && (!string_of(r, &part->key) || !take(r, ':')))
                return false;
            if (!value_of(r, part))
                return false;
            *link = part;
            link = &part->next;
            v->count++;
        } while (take(r, ','));
        if (!take(r, end) || (end == '}' && v->count > 1 && !keys_differ(r, v)))
            return false;
    }
    r->depth--;
    return true;
}

static bool value_of(reader *r, json *v)
{
    skip_blanks(r);
    if (r->at == r->end)
        return false;
    switch (*r->at) {
    case '{':
        v->kind = JSON_OBJECT;
        return parts_of(r, v, '}');
    case '[':
        v->kind = JSON_LIST;
        return parts_of(r, v, ']');
    case '"':
        v->kind = JSON_STRING;
        return string_of(r, &v->string);
    case 't':
    case 'f':
        v->kind = JSON_BOOLEAN;
        v->number = *r->at == 't';
        return word(r, v->number != 0 ? "true" : "false");
    case 'n':
        return word(r, "null");
    default:
        return number_of(r, v);
    }
}

const json *json_read(arena *from, const char *data, size_t size)
{
    reader r = {from, data, data + size, 0};
    json *whole = arena_take(from, 1, sizeof *whole);
    if (!whole || !value_of(&r, whole))
        return NULL;
    skip_blanks(&r);
    return r.at == r.end ? whole : NULL;
}

const json *json_any(const json *object, const char *key)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const json *part = object->first; part; part = part->next)
        if (is(part->key, key))
            return part;
    return NULL;
}

const json *json_part(const json *object, const char *key, json_kind kind)
{
    const json *part = json_any(object, key);
    return part && part->kind == kind ? part : NULL;
}

text json_text(const json *object, const char *key, text otherwise)
{
    const json *part = json_part(object, key, JSON_STRING);
    return part ? part->string : otherwise;
}
