/* Characters in UTF-8 (RFC 3629). */
#ifndef SED_TEXT_UTF8_H
#define SED_TEXT_UTF8_H

#include <stddef.h>

/* Count the bytes of the character that begins here; 0 where there is none, or only a part of one. */
static inline size_t utf8_character(const char *at, size_t size)
{
    const unsigned char *byte = (const unsigned char *)at;
    size_t n = !size              ? 0
               : byte[0] < 0x80   ? 1
               : byte[0] < 0xc2   ? 0
               : byte[0] < 0xe0   ? 2
               : byte[0] < 0xf0   ? 3
               : byte[0] < 0xf5   ? 4
                                  : 0;
    if (n > size)
        return 0;
    for (size_t k = 1; k < n; k++)
        if ((byte[k] & 0xc0) != 0x80)
            return 0;
    if (n > 2) { /* refuse what fewer bytes would write, halves of surrogate pairs, and all above U+10FFFF */
        unsigned both = byte[0] * 256u + byte[1];
        if (both < 0xe0a0 || (both >= 0xeda0 && both < 0xee00) || (both >= 0xf000 && both < 0xf090) || both > 0xf48f)
            return 0;
    }
    return n;
}

#endif
