/* Memory that is given back all at once: what belongs to a model lives and goes with it. */
#ifndef SED_ARENA_H
#define SED_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    struct arena_piece *pieces;
    bool exhausted;
} arena;

/* Zeroed room for `count` things of `size` bytes, aligned to 64; NULL when there is none, which `exhausted` keeps. */
void *arena_take(arena *from, size_t count, size_t size);

void arena_free(arena *all);

#endif
