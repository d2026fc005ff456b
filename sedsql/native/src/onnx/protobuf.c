#include "onnx/protobuf.h"

cursor fields_of(text bytes)
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

bool next_field(cursor *c, field *f)
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

bool find_field(cursor *c, uint64_t number, int wire, field *f)
{
    while (next_field(c, f))
        if (f->number == number && f->wire == wire)
            return true;
    return false;
}

bool first_field(text message, uint64_t number, int wire, field *f)
{
    cursor c = fields_of(message);
    return find_field(&c, number, wire, f);
}

text bytes_of(text message, uint64_t number)
{
    field f;
    return first_field(message, number, LENGTH, &f) ? f.body : (text){0};
}

int64_t integer_of(text message, uint64_t number)
{
    field f;
    return first_field(message, number, VARINT, &f) ? (int64_t)f.value : 0;
}

const text *messages_of(message_reader *r, text message, uint64_t number, size_t *count)
{
    field f;
    *count = 0;
    cursor c = fields_of(message);
    while (find_field(&c, number, LENGTH, &f))
        ++*count;
    r->damaged |= c.damaged;
    text *found = arena_take(r->from, *count, sizeof *found);
    size_t k = 0;
    c = fields_of(message);
    while (found && find_field(&c, number, LENGTH, &f))
        found[k++] = f.body;
    return found;
}

const int64_t *integers_of(message_reader *r, text message, uint64_t number, size_t *count)
{
    int64_t *found = NULL;
    for (int pass = 0; pass < 2; pass++) {
        size_t k = 0;
        field f;
        cursor c = fields_of(message);
        while (next_field(&c, &f)) {
            if (f.number != number)
                continue;
            cursor packed = fields_of(f.body);
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

const void *numbers_of(message_reader *r, text message, uint64_t number, size_t width, size_t *count)
{
    char *found = NULL;
    int single = width == 4 ? FOUR_BYTES : EIGHT_BYTES;
    for (int pass = 0; pass < 2; pass++) {
        size_t bytes = 0;
        field f;
        cursor c = fields_of(message);
        while (next_field(&c, &f)) {
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
