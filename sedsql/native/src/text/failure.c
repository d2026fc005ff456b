#include "text/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

bool fail(failure *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    /* DuckDB wants UTF-8, but a file's name may be any bytes, and a long sentence may be cut within a character. */
    size_t size = strlen(error->text);
    for (size_t k = 0, n; k < size; k += n) {
        n = utf8_character(error->text + k, size - k);
        if (!n) {
            error->text[k] = '?';
            n = 1;
        }
    }
    return false;
}
