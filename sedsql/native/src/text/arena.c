#include "text/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNED = 64, PIECE = 1 << 16 };

struct arena_piece {
    struct arena_piece *next;
    size_t used, size;
    void *memory;
};

void *arena_take(arena *from, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX - PIECE) / size) {
        from->exhausted = true;
        return NULL;
    }
    size_t wanted = (count * size + ALIGNED) / ALIGNED * ALIGNED;
    struct arena_piece *piece = from->pieces;
    if (!piece || piece->size - piece->used < wanted) {
        size_t capacity = wanted > PIECE ? wanted : PIECE;
        piece = malloc(sizeof *piece);
        void *memory = piece ? aligned_alloc(ALIGNED, capacity) : NULL;
        if (!memory) {
            free(piece);
            from->exhausted = true;
            return NULL;
        }
        memset(memory, 0, capacity);
        *piece = (struct arena_piece){from->pieces, 0, capacity, memory};
        from->pieces = piece;
    }
    void *taken = (char *)piece->memory + piece->used;
    piece->used += wanted;
    return taken;
}

void arena_free(arena *all)
{
    while (all->pieces) {
        struct arena_piece *piece = all->pieces;
        all->pieces = piece->next;
        free(piece->memory);
        free(piece);
    }
}
