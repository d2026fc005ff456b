#define _POSIX_C_SOURCE 200809L
#include "adql.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* All that comes out of `source`, ended by a zero, for free(); NULL where memory is short. */
static char *read_all(int source, size_t *size)
{
    size_t room = 1 << 14;
    char *all = malloc(room);
    *size = 0;
    while (all) {
        ssize_t n = read(source, all + *size, room - *size - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            all[*size] = 0;
            return all;
        }
        *size += (size_t)n;
        if (*size + 1 < room)
            continue;
        char *more = realloc(all, room *= 2);
        if (!more)
            free(all);
        all = more;
    }
    return NULL;
}

/* Runs the command; what it prints, for free(), whether it ended well, and the errno for which it was not run. */
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

/* The SQL of a query into row `row`, or false and an error. */
static bool translate(duckdb_function_info info, const char *query, duckdb_vector output, idx_t row)
{
    const char *python = getenv("SEDSQL_PYTHON");
    if (!python || !*python) {
        duckdb_scalar_function_set_error(info, "ADQL is translated by sedsql's Python, which this shell does not know; "
                                               "open the shell with `sedsql shell MIRROR`");
        return false;
    }
    /* -P: what lies in the folder that the shell was opened in is not imported. */
    char *command[] = {(char *)python, "-P", "-m", "sedsql.shell", (char *)query, NULL};
    size_t size = 0;
    bool well;
    int failed;
    char *answer = answer_of(command, &size, &well, &failed);
    if (well) {
        duckdb_vector_assign_string_element_len(output, row, answer, size);
    } else if (size) {
        duckdb_scalar_function_set_error(info, answer);
    } else {
        char why[600];
        snprintf(why, sizeof why, "ADQL could not be translated: %.400s: %.100s", python,
                 failed ? strerror(failed) : "it was stopped");
        duckdb_scalar_function_set_error(info, why);
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

bool adql_register(duckdb_connection connection)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type varchar = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_scalar_function_set_name(function, "_sed_adql");
    duckdb_scalar_function_add_parameter(function, varchar);
    duckdb_scalar_function_set_return_type(function, varchar);
    duckdb_scalar_function_set_function(function, adql);
    bool done = duckdb_register_scalar_function(connection, function) == DuckDBSuccess;
    duckdb_destroy_logical_type(&varchar);
    duckdb_destroy_scalar_function(&function);
    return done;
}
