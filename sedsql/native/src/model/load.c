#include "model/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/bind.h"
#include "text/sha256.h"

/* No query would run a model of larger files; a device or a pipe has no size at all. */
enum { LARGEST_CARD = 4 << 20, LARGEST_GRAPH = 1 << 30 };

static const char *read_file(arena *from, const char *folder, const char *name, size_t largest, size_t *size,
                             failure *error)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return fail(error, "No model in %.200s: the name of the folder is too long.", folder), NULL;
    FILE *file = fopen(path, "rb");
    if (!file)
        return fail(error, "No model in %s: %s: %s.", folder, name, strerror(errno)), NULL;
    char *data = NULL;
    long end = fseek(file, 0, SEEK_END) ? -1 : ftell(file);
    if (end < 0 || (unsigned long)end > largest)
        fail(error, "No model in %s: %s is no file of a reasonable size.", folder, name);
    else if (!(data = arena_take(from, (size_t)end + 1, 1)))
        fail(error, "No memory for %s in %s.", name, folder);
    else {
        rewind(file);
        *size = fread(data, 1, (size_t)end, file);
        if (*size != (size_t)end) {
            fail(error, "No model in %s: %s cannot be read.", folder, name);
            data = NULL;
        }
    }
    fclose(file);
    return data;
}

/* Complete half a sentence, which goes on from the model's name. */
static bool of_model(const model_card *card, const char *folder, failure *error)
{
    failure half = *error;
    if (card->name.size)
        return fail(error, "Model %.*s %.400s.", shown(card->name), card->name.data, half.text);
    return fail(error, "The model in %.150s %.400s.", folder, half.text);
}

static bool read_card(arena *from, const char *folder, model_card *card, char digest[65], failure *error)
{
    size_t size;
    const char *data = read_file(from, folder, "card.json", LARGEST_CARD, &size, error);
    if (!data)
        return false;
    sha256((const uint8_t *)data, size, digest);
    return card_read(from, data, size, card, error) || of_model(card, folder, error);
}

bool model_name(const char *folder, char *name, size_t capacity, char digest[65], failure *error)
{
    arena memory = {0};
    model_card card = {0};
    bool read = read_card(&memory, folder, &card, digest, error);
    if (read && card.name.size >= capacity)
        read = fail(error, "The model in %.200s has a name that is too long.", folder);
    if (read) {
        memcpy(name, card.name.data, card.name.size);
        name[card.name.size] = 0;
    }
    arena_free(&memory);
    return read;
}

static bool load(model *m, const char *folder, const char *known, bool *for_good, failure *error)
{
    size_t size;
    char digest[65];
    if (!read_card(&m->memory, folder, &m->card, digest, error))
        return false;
    if (strcmp(digest, known))
        return fail(error, "Model %.*s was changed: %.200s/card.json has changed since you connected; connect again.",
                    shown(m->card.name), m->card.name.data, folder);
    const char *data = read_file(&m->memory, folder, "model.onnx", LARGEST_GRAPH, &size, error);
    if (!data)
        return false;
    sha256((const uint8_t *)data, size, digest);
    if (!is(m->card.sha256, digest))
        return fail(error,
                    "Model %.*s was changed: %.200s/model.onnx has sha256 %s, its card says %.*s. "
                    "Restore the file, or train it again.",
                    shown(m->card.name), m->card.name.data, folder, digest, shown(m->card.sha256),
                    m->card.sha256.data);
    *for_good = true;
    return model_bind(m, (const uint8_t *)data, size, error) || of_model(&m->card, folder, error);
}

model *model_load(const char *folder, const char *digest, bool *for_good, failure *error)
{
    model *m = calloc(1, sizeof *m);
    if (!m) {
        fail(error, "No memory for the model in %.200s.", folder);
        return NULL;
    }
    if (load(m, folder, digest, for_good, error))
        return m;
    model_free(m);
    return NULL;
}
