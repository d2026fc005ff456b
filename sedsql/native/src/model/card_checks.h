/* What the values of a card have to be, each by itself: the table of sedsql/inference/card.py, in C. */
#ifndef SED_MODEL_CARD_CHECKS_H
#define SED_MODEL_CARD_CHECKS_H

#include "text/failure.h"
#include "text/json.h"

bool is_name(const json *part);

/* Check every value that sedsql reads, whether or not the extension does; false with half a sentence. */
bool card_values(const json *card, failure *error);

#endif
