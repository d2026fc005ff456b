#include "registry.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { LONGEST_NAME = 128, LONGEST_FOLDER = 3000 };

typedef struct {
    char name[LONGEST_NAME], digest[65], *folder; /* the digest of the card as it was when the set was added */
    model *loaded;
    failure *refused; /* for good */
} entry;

struct model_set {
    char key[LONGEST_NAME], default_name[LONGEST_NAME];
    size_t n;
    entry *entries;
    model_set *next;
};

/* Sets are added at the front and never taken away, so only adding and loading need the lock. */
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

/* A process that is forked while another thread has the lock would wait for it forever. */
static void mind_forks(void)
{
    pthread_atfork(take_lock, give_lock, give_lock);
}

static bool copy(text from, char *to, size_t room)
{
    if (from.size >= room)
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

static void names_of(const model_set *set, char *to, size_t room)
{
    size_t used = 0;
    to[0] = 0;
    for (size_t k = 0; k < set->n && used < room; k++)
        used += (size_t)snprintf(to + used, room - used, "%s%s", k ? ", " : "", set->entries[k].name);
}

static entry *entry_of(const model_set *set, text name, failure *why)
{
    if (!name.size)
        name = text_of(set->default_name);
    for (size_t k = 0; k < set->n; k++)
        if (is(name, set->entries[k].name))
            return set->entries + k;
    char names[400];
    names_of(set, names, sizeof names);
    fail(why, "No model '%.*s'; there are %s.", shown(name), name.data, names);
    return NULL;
}

static model *loaded(entry *e, failure *why)
{
    bool for_good = false;
    if (e->refused)
        *why = *e->refused;
    else if (!e->loaded && !(e->loaded = model_load(e->folder, e->digest, &for_good, why)) && for_good &&
             (e->refused = malloc(sizeof *why)))
        *e->refused = *why;
    return e->loaded;
}

model *registry_model(model_set *set, text name, failure *why)
{
    entry *e = entry_of(set, name, why);
    if (!e)
        return NULL;
    pthread_mutex_lock(&lock);
    model *found = loaded(e, why);
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

static bool fill(model_set *set, const text *folders, size_t n, failure *why)
{
    for (size_t k = 0; k < n; k++) {
        entry *e = set->entries + set->n;
        if (folders[k].size > LONGEST_FOLDER || !(e->folder = calloc(folders[k].size + 1, 1)))
            return fail(why, "No model in a folder with so long a name.");
        set->n++;
        copy(folders[k], e->folder, folders[k].size + 1);
        if (!model_name(e->folder, e->name, sizeof e->name, e->digest, why))
            return false;
    }
    return entry_of(set, (text){0}, why);
}

/* Whether two sets have the same models, by their cards. */
static bool alike(const model_set *one, const model_set *other)
{
    bool found = one->n == other->n && !strcmp(one->default_name, other->default_name);
    for (size_t k = 0; found && k < one->n; k++)
        found = !strcmp(one->entries[k].folder, other->entries[k].folder) &&
                !strcmp(one->entries[k].digest, other->entries[k].digest);
    return found;
}

bool registry_add(text key, text default_name, const text *folders, size_t n, failure *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, mind_forks);
    pthread_mutex_lock(&lock);
    model_set *known = registry_find(key), *set = calloc(1, sizeof *set);
    bool added = set && (set->entries = calloc(n + 1, sizeof *set->entries)) &&
                 copy(key, set->key, sizeof set->key) &&
                 copy(default_name, set->default_name, sizeof set->default_name);
    added = added ? fill(set, folders, n, why) : fail(why, "No room for a set of models of this key.");
    if (added && !(known && alike(known, set))) {
        set->next = atomic_load(&sets);
        atomic_store(&sets, set);
    } else {
        free_set(set);
    }
    pthread_mutex_unlock(&lock);
    return added;
}
