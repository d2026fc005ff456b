/* Memory that is freed all at once: all of a model's parts are freed with it. */
#ifndef SED_TEXT_ARENA_H
#define SED_TEXT_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    struct arena_piece *pieces;
    bool exhausted;
} arena;

/* Take zeroed memory for `count` things of `size` bytes, aligned to 64 bytes; without memory, give NULL and set
   `exhausted`. */
void *arena_take(arena *from, size_t count, size_t size);

void arena_free(arena *all);

#endif
