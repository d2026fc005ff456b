/* What is told from the probabilities of the classes; the same as sedsql/inference/answers.py. */
#ifndef SED_MODEL_ANSWERS_H
#define SED_MODEL_ANSWERS_H

#include "model/model.h"

/* The place of a label among the classes; -1 with a sentence where it is none of them. */
int32_t place_of_label(const model_card *card, text label, failure *error);

/* Of a row of a prediction: the largest probability, and the entropy of all of them in bits. */
double largest_probability(const prediction *p, uint32_t classes, uint32_t row);
double entropy_of(const prediction *p, uint32_t classes, uint32_t row);

/* Find the deepest node of the tree of classes whose probability is at least `least`. Of two nodes with one half each,
   take the one that holds the most probable class. False with a sentence where `least` is not from 0.5 to 1. */
bool deepest_node(const model_card *card, const double *probabilities, double least, uint32_t *node,
                  double *probability, failure *error);

/* Find the classes of the conformal set at this level, the most probable first. False with a sentence where the card
   has no sets, or none at this level. */
bool conformal_set(const model_card *card, const double *probabilities, double level, uint32_t *members, uint32_t *n,
                   failure *error);

#endif
