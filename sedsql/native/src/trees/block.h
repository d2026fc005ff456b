/* Rows are computed in blocks of this many, column by column; the last block of a chunk is filled up. */
#ifndef SED_TREES_BLOCK_H
#define SED_TREES_BLOCK_H

enum { BLOCK = 256 };

/* Compile a function for wide registers too; which version runs is chosen when the extension is loaded. All give the
   same numbers, for the compiler is told not to fuse multiplications and additions. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

#endif
