/* One sentence that says what is wrong, for the user. */
#ifndef SED_FAILURE_H
#define SED_FAILURE_H

#include <stdbool.h>

typedef struct {
    char text[600];
} failure;

/* Writes the sentence, as printf would, and returns false, so that `return fail(...)` ends a function that checks. */
__attribute__((format(printf, 2, 3))) bool fail(failure *why, const char *format, ...);

#endif
