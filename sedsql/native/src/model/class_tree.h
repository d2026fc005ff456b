/* The tree of classes: from the card's `parents` to nodes, paths, and which classes a node holds. */
#ifndef SED_MODEL_CLASS_TREE_H
#define SED_MODEL_CLASS_TREE_H

#include <stdint.h>

#include "text/arena.h"
#include "text/failure.h"
#include "text/json.h"
#include "text/text.h"

enum { MOST_CLASSES = 1024 };

/* A branch stands before what is below it: nodes are sorted by depth, those of one depth by the first class below
   them. */
typedef struct {
    uint32_t n_nodes;
    const text *nodes, *node_paths; /* a path: 'evolved/agb_carbon'; the root's is its name */
    const bool *holds;              /* holds[node * n_classes + class] */
    const uint32_t *depths;         /* of the classes' paths, without the root */
    const text *const *paths;
} class_tree;

/* Build the tree of these classes. False with half a sentence, where `parents` has a circle or too many levels, also
   where no class hangs. */
bool class_tree_read(const json *parents, arena *from, const text *classes, uint32_t n_classes, class_tree *tree,
                     failure *error);

#endif
