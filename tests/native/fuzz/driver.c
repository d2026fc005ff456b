/* Mutates files and hands them to LLVMFuzzerTestOneInput, where there is no libFuzzer; those that reach new code are
   mutated further. `driver SECONDS SEED LAST FILE ...`: what is being tried stands in the file LAST, which so holds what
   made the process end.

   gcc's -fsanitize-coverage=trace-pc calls __sanitizer_cov_trace_pc at each branch; this file is compiled without it, and without sanitizers. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST = 1 << 14, MOST_KEPT = 1 << 14, PLACES = 1 << 18, SLOWEST = 60 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    size_t size;
    uint8_t *data;
} kept;

static uint8_t reached[PLACES];
static unsigned long n_reached;
static kept corpus[MOST_KEPT];
static size_t n_kept;
static uint64_t state;

void __sanitizer_cov_trace_pc(void)
{
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    uint8_t *seen = reached + (place ^ place >> 18) % PLACES;
    n_reached += !*seen;
    *seen = 1;
}

/* xorshift64* (Vigna 2016): the same cases for the same seed. */
static uint64_t drawn(uint64_t below)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return below ? (state * 0x2545f4914f6cdd1dULL >> 16) % below : 0;
}

static void keep(const uint8_t *data, size_t size)
{
    kept *place = corpus + (n_kept < MOST_KEPT ? n_kept++ : drawn(MOST_KEPT));
    free(place->data);
    *place = (kept){size, malloc(size + 1)};
    if (!place->data)
        exit(2);
    memcpy(place->data, data, size);
}

static size_t without(uint8_t *data, size_t size, size_t at, size_t n)
{
    n = n < size - at ? n : size - at;
    memmove(data + at, data + at + n, size - at - n);
    return size - n;
}

static size_t with(uint8_t *data, size_t size, size_t at, const uint8_t *more, size_t n)
{
    n = n < LONGEST - size ? n : LONGEST - size;
    memmove(data + at + n, data + at, size - at);
    memcpy(data + at, more, n);
    return size + n;
}

static size_t mutate(uint8_t *data, size_t size)
{
    static const uint8_t odd[] = {0, 1, 127, 128, 255, 254, '"', '\\', '{', '[', ']', '}', ',', ':', '-', 'e', '9'};
    static const char *const words[] = {
        "[[[[[[[[", "{\"a\":{\"a\":", "1e999", "-1e308", "NaN", "null", "true", "\\u0000", "\\ud800", "\xff\xff\xff\xff\x0f",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x7f\xc0\x00\x00", "parents", "BRANCH_GT", "LEAF", "TreeEnsembleClassifier",
    };
    static uint8_t other[LONGEST];
    size_t at = drawn(size + 1), n = 1 + drawn(drawn(4) ? 8 : 200);
    const kept *from = corpus + drawn(n_kept);
    const char *word = words[drawn(sizeof words / sizeof *words)];
    switch (drawn(10)) {
    case 0:
        data[at % (size + !size)] ^= (uint8_t)(1 << drawn(8));
        return size;
    case 1:
        data[at % (size + !size)] = odd[drawn(sizeof odd)];
        return size;
    case 2:
        data[at % (size + !size)] += (uint8_t)(drawn(2) ? 1 : 255);
        return size;
    case 3:
        return without(data, size, at, n);
    case 4:
        return with(data, size, at, (const uint8_t *)word, strlen(word));
    case 5: /* a piece again, elsewhere */
        n = n < size - at ? n : size - at;
        memcpy(other, data + at, n);
        return with(data, size, drawn(size + 1), other, n);
    case 6: { /* a piece of another */
        size_t start = drawn(from->size + 1);
        return with(data, size, at, from->data + start, n < from->size - start ? n : from->size - start);
    }
    case 7: /* the end of another */
        if (at < from->size)
            size = at + (from->size - at < LONGEST - at ? from->size - at : LONGEST - at);
        if (at < from->size)
            memcpy(data + at, from->data + at, size - at);
        return size;
    case 8: /* cut */
        return drawn(8) ? size : at;
    default: { /* a number of four bytes */
        static const uint32_t numbers[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fc00000, 0x7f800000, 0xff800000};
        if (size >= 4)
            memcpy(data + drawn(size - 3), numbers + drawn(8), 4);
        return size;
    }
    }
}

static void try(uint8_t *last, const uint8_t *data, size_t size)
{
    uint64_t told = size;
    memcpy(last, &told, sizeof told);
    memcpy(last + sizeof told, data, size);
    alarm(SLOWEST);
    LLVMFuzzerTestOneInput(data, size);
    alarm(0);
}

int main(int n, char **arguments)
{
    static uint8_t data[LONGEST];
    if (n < 5)
        return fprintf(stderr, "usage: %s SECONDS SEED LAST FILE ...\n", *arguments), 2;
    time_t end = time(NULL) + atol(arguments[1]);
    state = 0x9e3779b97f4a7c15ULL * (2 * strtoull(arguments[2], NULL, 10) + 1);
    int file = open(arguments[3], O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || ftruncate(file, LONGEST + 8))
        return perror(arguments[3]), 2;
    uint8_t *last = mmap(NULL, LONGEST + 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (last == MAP_FAILED)
        return perror(arguments[3]), 2;
    for (int k = 4; k < n; k++) {
        FILE *seed = fopen(arguments[k], "rb");
        if (!seed)
            return perror(arguments[k]), 2;
        size_t size = fread(data, 1, sizeof data, seed);
        fclose(seed);
        try(last, data, size);
        keep(data, size);
    }
    unsigned long cases = 0;
    size_t seeds = n_kept;
    while (time(NULL) < end) {
        const kept *from = corpus + drawn(n_kept);
        size_t size = from->size;
        memcpy(data, from->data, size);
        for (uint64_t k = 1 + drawn(4); k; k--)
            size = mutate(data, size);
        unsigned long before = n_reached;
        try(last, data, size);
        cases++;
        if (n_reached > before)
            keep(data, size);
    }
    printf("%lu cases, %zu of them kept for the code that they reach (%lu places), from %zu seeds\n", cases,
           n_kept - seeds, n_reached, seeds);
    return 0;
}
