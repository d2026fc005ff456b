#include "model/registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/load.h"

enum { LONGEST_NAME = 128, LONGEST_FOLDER = 3000 };

typedef struct {
    char name[LONGEST_NAME], digest[65], *folder; /* the digest of the card as it was when the set was added */
    model *loaded;
    failure *refused; /* why the model never runs here */
} entry;

struct model_set {
    char key[LONGEST_NAME], default_name[LONGEST_NAME];
    size_t n;
    entry *entries;
    model_set *next;
};

/* Sets are added at the front and never removed, so only adding and loading need the lock. */
static _Atomic(model_set *) sets;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void take_lock(void)
{
    pthread_mutex_lock(&lock);
}

static void give_lock(void)
{
    pthread_mutex_unlock(&lock);
}

/* A process forked while another thread holds the lock would wait for it forever, so a fork takes the lock first. The
   caller holds the lock, too; pthread_once would make a build on glibc 2.34 or later unloadable on an earlier one. */
static void mind_forks(void)
{
    static bool done;
    if (!done)
        done = !pthread_atfork(take_lock, give_lock, give_lock);
}

static bool copy(text from, char *to, size_t capacity)
{
    if (from.size >= capacity)
        return false;
    memcpy(to, from.data, from.size);
    to[from.size] = 0;
    return true;
}

model_set *registry_find(text key)
{
    model_set *set = atomic_load(&sets);
    while (set && !is(key, set->key))
        set = set->next;
    return set;
}

static void names_of(const model_set *set, char *to, size_t capacity)
{
    size_t used = 0;
    to[0] = 0;
    for (size_t k = 0; k < set->n && used < capacity; k++)
        used += (size_t)snprintf(to + used, capacity - used, "%s%s", k ? ", " : "", set->entries[k].name);
}

static entry *entry_of(const model_set *set, text name, failure *error)
{
    if (!name.size)
        name = text_of(set->default_name);
    for (size_t k = 0; k < set->n; k++)
        if (is(name, set->entries[k].name))
            return set->entries + k;
    char names[400];
    names_of(set, names, sizeof names);
    fail(error, "No model '%.*s'; there are %s.", shown(name), name.data, names);
    return NULL;
}

static model *loaded(entry *e, failure *error)
{
    bool for_good = false;
    if (e->refused)
        *error = *e->refused;
    else if (!e->loaded && !(e->loaded = model_load(e->folder, e->digest, &for_good, error)) && for_good &&
             (e->refused = malloc(sizeof *error)))
        *e->refused = *error;
    return e->loaded;
}

model *registry_model(model_set *set, text name, failure *error)
{
    entry *e = entry_of(set, name, error);
    if (!e)
        return NULL;
    pthread_mutex_lock(&lock);
    model *found = loaded(e, error);
    pthread_mutex_unlock(&lock);
    return found;
}

static void free_set(model_set *set)
{
    for (size_t k = 0; set && k < set->n; k++) {
        if (set->entries[k].loaded)
            model_free(set->entries[k].loaded);
        free(set->entries[k].refused);
        free(set->entries[k].folder);
    }
    if (set)
        free(set->entries);
    free(set);
}

static bool fill(model_set *set, const text *folders, size_t n, failure *error)
{
    for (size_t k = 0; k < n; k++) {
        entry *e = set->entries + set->n;
        if (folders[k].size > LONGEST_FOLDER || !(e->folder = calloc(folders[k].size + 1, 1)))
            return fail(error, "No model is read from a folder whose name has more than %d characters.",
                        LONGEST_FOLDER);
        set->n++;
        copy(folders[k], e->folder, folders[k].size + 1);
        if (!model_name(e->folder, e->name, sizeof e->name, e->digest, error))
            return false;
    }
    return entry_of(set, (text){0}, error);
}

/* Whether two sets have the same models, judged by their cards' digests. */
static bool alike(const model_set *one, const model_set *other)
{
    bool found = one->n == other->n && !strcmp(one->default_name, other->default_name);
    for (size_t k = 0; found && k < one->n; k++)
        found = !strcmp(one->entries[k].folder, other->entries[k].folder) &&
                !strcmp(one->entries[k].digest, other->entries[k].digest);
    return found;
}

bool registry_add(text key, text default_name, const text *folders, size_t n, failure *error)
{
    pthread_mutex_lock(&lock);
    mind_forks();
    model_set *known = registry_find(key), *set = calloc(1, sizeof *set);
    bool added = set && (set->entries = calloc(n + 1, sizeof *set->entries)) &&
                 copy(key, set->key, sizeof set->key) &&
                 copy(default_name, set->default_name, sizeof set->default_name);
    added = added ? fill(set, folders, n, error)
                  : fail(error, "No set of models: its key or its default's name is too long, or memory is short.");
    if (added && !(known && alike(known, set))) {
        set->next = atomic_load(&sets);
        atomic_store(&sets, set);
    } else {
        free_set(set);
    }
    pthread_mutex_unlock(&lock);
    return added;
}
