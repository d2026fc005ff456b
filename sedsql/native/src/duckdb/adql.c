#define _POSIX_C_SOURCE 200809L
#include "duckdb/adql.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "duckdb/register.h"
#include "duckdb/types.h"
#include "text/validity.h"

extern char **environ;

/* Read all that comes out of `source`, and end it by a zero; the caller frees it. NULL without memory. */
static char *read_all(int source, size_t *size)
{
    size_t capacity = 1 << 14;
    char *all = malloc(capacity);
    *size = 0;
    while (all) {
        ssize_t n = read(source, all + *size, capacity - *size - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            all[*size] = 0;
            return all;
        }
        *size += (size_t)n;
        if (*size + 1 < capacity)
            continue;
        char *more = realloc(all, capacity *= 2);
        if (!more)
            free(all);
        all = more;
    }
    return NULL;
}

/* Run the command. Give what it prints, which the caller frees; whether it ended well; and the errno with which it
   could not be started. */
static char *answer_of(char *const command[], size_t *size, bool *well, int *failed)
{
    int ends[2];
    *well = false;
    *failed = pipe(ends) ? errno : 0;
    if (*failed)
        return NULL;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    pid_t child;
    *failed = posix_spawn(&child, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    char *answer = *failed ? NULL : read_all(ends[0], size);
    close(ends[0]);
    int status = 1;
    if (!*failed) {
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    }
    *well = answer && WIFEXITED(status) && !WEXITSTATUS(status);
    return answer;
}

/* Write the SQL of a query into a row; false with an error set where it cannot be translated. */
static bool translate(duckdb_function_info info, const char *query, duckdb_vector output, idx_t row)
{
    const char *python = getenv("SEDSQL_PYTHON");
    if (!python || !*python) {
        duckdb_scalar_function_set_error(info, "ADQL is translated by sedsql's Python, which this shell does not know; "
                                               "open the shell with `sedsql shell MIRROR`");
        return false;
    }
    /* -P: nothing is imported from the folder in which the shell was opened. */
    char *command[] = {(char *)python, "-P", "-m", "sedsql.integrations.duckdb_shell", (char *)query, NULL};
    size_t size = 0;
    bool well;
    int failed;
    char *answer = answer_of(command, &size, &well, &failed);
    if (well) {
        duckdb_vector_assign_string_element_len(output, row, answer, size);
    } else if (size) {
        duckdb_scalar_function_set_error(info, answer);
    } else {
        char error[600];
        snprintf(error, sizeof error, "ADQL could not be translated: %.400s: %.100s", python,
                 failed ? strerror(failed) : "it was stopped");
        duckdb_scalar_function_set_error(info, error);
    }
    free(answer);
    return well;
}

static void adql(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    duckdb_vector queries = duckdb_data_chunk_get_vector(input, 0);
    const duckdb_string_t *given = duckdb_vector_get_data(queries);
    const uint64_t *validity = duckdb_vector_get_validity(queries);
    idx_t rows = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < rows; row++) {
        if (!row_is_valid(validity, row))
            continue; /* DuckDB makes it NULL itself */
        char *query = calloc(1, (size_t)string_length(&given[row]) + 1);
        if (!query)
            return duckdb_scalar_function_set_error(info, "there is no memory for the query");
        memcpy(query, string_data(&given[row]), string_length(&given[row]));
        bool done = translate(info, query, output, row);
        free(query);
        if (!done)
            return;
    }
}

bool register_adql(duckdb_connection connection)
{
    duckdb_scalar_function function = begin_function("_sed_adql", type_text(), adql);
    add_arguments(function, type_text(), 1);
    return finish_function(function, connection);
}
