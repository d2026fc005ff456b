/* Rows are computed in blocks of this many, a column after another; the last block of a chunk is filled up. */
#ifndef SED_BLOCK_H
#define SED_BLOCK_H

enum { BLOCK = 256 };

#endif
