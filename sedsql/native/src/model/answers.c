#include "model/answers.h"

#include <math.h>
#include <stdio.h>

int32_t place_of_label(const model_card *card, text label, failure *error)
{
    for (uint32_t c = 0; c < card->n_classes; c++)
        if (same(card->classes[c], label))
            return (int32_t)c;
    char names[400];
    size_t used = 0;
    for (uint32_t c = 0; c < card->n_classes && used < sizeof names; c++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%.*s", c ? ", " : "", shown(card->classes[c]),
                                 card->classes[c].data);
    fail(error, "Model %.*s has no class '%.*s'; it has %s.", shown(card->name), card->name.data, shown(label),
         label.data, names);
    return -1;
}

double largest_probability(const prediction *p, uint32_t classes, uint32_t row)
{
    float most = p->probabilities[0][row];
    for (uint32_t class = 1; class < classes; class++)
        most = p->probabilities[class][row] > most ? p->probabilities[class][row] : most;
    return most;
}

double entropy_of(const prediction *p, uint32_t classes, uint32_t row)
{
    double entropy = 0;
    for (uint32_t class = 0; class < classes; class++) {
        double probability = p->probabilities[class][row];
        entropy -= probability > 0 ? probability * log2(probability) : 0;
    }
    return entropy;
}

bool deepest_node(const model_card *card, const double *probabilities, double least, uint32_t *node,
                  double *probability, failure *error)
{
    if (!(least >= 0.5 && least <= 1))
        return fail(error, "sed_node takes a probability from 0.5 to 1, not %g: with less, two nodes could have it.",
                    least);
    uint32_t best = 0;
    for (uint32_t class = 1; class < card->n_classes; class++)
        best = probabilities[class] > probabilities[best] ? class : best;
    for (uint32_t k = card->tree.n_nodes; k-- > 0;) {
        const bool *holds = card->tree.holds + (size_t)k * card->n_classes;
        double sum = 0;
        for (uint32_t class = 0; class < card->n_classes; class++)
            sum += holds[class] ? probabilities[class] : 0;
        /* the root, even where rounding makes the sum of all less than `least` */
        if (!k || (sum >= least && (sum > 0.5 || holds[best]))) {
            *node = k;
            *probability = sum < 1 ? sum : 1;
            break;
        }
    }
    return true;
}

bool conformal_set(const model_card *card, const double *probabilities, double level, uint32_t *members, uint32_t *n,
                   failure *error)
{
    if (!card->n_levels)
        return fail(error, "Model %.*s has no sets: its card lacks 'conformal'.", shown(card->name),
                    card->name.data);
    double highest = card->levels[card->n_levels - 1];
    if (!(level > 0 && level <= highest))
        return fail(error, "sed_set takes a level above 0 and at most %g, not %g.", highest, level);
    uint32_t column = 0;
    while (card->levels[column] < level)
        column++;
    *n = 0;
    for (uint32_t class = 0; class < card->n_classes; class++) {
        if (probabilities[class] < card->thresholds[(size_t)class * card->n_levels + column])
            continue;
        uint32_t place = (*n)++;
        for (; place && probabilities[members[place - 1]] < probabilities[class]; place--)
            members[place] = members[place - 1];
        members[place] = class;
    }
    return true;
}
