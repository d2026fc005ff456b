/* A model's card: its keys are explained in docs/models.md. */
#ifndef SED_CARD_H
#define SED_CARD_H

#include "json.h"
#include "model.h"

bool card_read(arena *from, const char *data, size_t size, model_card *card, failure *why);

#endif
