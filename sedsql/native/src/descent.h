/* Trees of any size: from the root down, 16 rows side by side so that one waits for memory while others go on. */
#ifndef SED_DESCENT_H
#define SED_DESCENT_H

#include "forest.h"

/* For the trees that `lanes` does not take; NULL where there are none. */
struct descent *descent_plan(arena *from, const forest *f);

/* The leaves that BLOCK rows come to in the tree of this number. */
void descent_leaves(const struct descent *d, uint32_t tree, const float *const *features, uint32_t *leaves);

#endif
