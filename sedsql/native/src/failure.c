#include "failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

bool fail(failure *why, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    /* Names of files are any bytes, and what is too long is cut anywhere; DuckDB wants characters. */
    size_t size = strlen(why->text);
    for (size_t k = 0, n; k < size; k += n) {
        n = utf8_character(why->text + k, size - k);
        if (!n) {
            why->text[k] = '?';
            n = 1;
        }
    }
    return false;
}
