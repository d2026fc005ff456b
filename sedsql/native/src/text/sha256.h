/* SHA-256 (FIPS 180-4, section 6.2). */
#ifndef SED_TEXT_SHA256_H
#define SED_TEXT_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* Write the digest of `size` bytes in lower-case hexadecimal digits, with a zero at the end. */
void sha256(const uint8_t *data, size_t size, char digest[65]);

#endif
