/* An error message for the user: one sentence that says what is wrong. */
#ifndef SED_TEXT_FAILURE_H
#define SED_TEXT_FAILURE_H

#include <stdbool.h>

typedef struct {
    char text[600];
} failure;

/* Write the sentence, as printf does, and return false, so that a check can end with `return fail(...)`. */
__attribute__((format(printf, 2, 3))) bool fail(failure *error, const char *format, ...);

#endif
