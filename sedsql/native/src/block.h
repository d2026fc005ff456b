/* Rows are computed in blocks of this many, a column after another; the last block of a chunk is filled up. */
#ifndef SED_BLOCK_H
#define SED_BLOCK_H

enum { BLOCK = 256 };

/* For loops over rows that are worth it: compiled for wide registers too, and chosen when the extension is loaded. The
   numbers are the same in each, for no two operations are made into one. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

#endif
