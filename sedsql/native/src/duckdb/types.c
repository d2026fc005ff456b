#include "duckdb/types.h"

duckdb_logical_type type_integer(void)
{
    return duckdb_create_logical_type(DUCKDB_TYPE_INTEGER);
}

duckdb_logical_type type_float(void)
{
    return duckdb_create_logical_type(DUCKDB_TYPE_FLOAT);
}

duckdb_logical_type type_double(void)
{
    return duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
}

duckdb_logical_type type_text(void)
{
    return duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
}

static duckdb_logical_type list_of(duckdb_logical_type member)
{
    duckdb_logical_type list = duckdb_create_list_type(member);
    duckdb_destroy_logical_type(&member);
    return list;
}

static duckdb_logical_type struct_of(duckdb_logical_type *members, const char **names, idx_t n)
{
    duckdb_logical_type type = duckdb_create_struct_type(members, names, n);
    for (idx_t k = 0; k < n; k++)
        duckdb_destroy_logical_type(members + k);
    return type;
}

duckdb_logical_type type_doubles(void)
{
    return list_of(type_double());
}

duckdb_logical_type type_texts(void)
{
    return list_of(type_text());
}

duckdb_logical_type type_prediction(void)
{
    const char *names[] = {"class", "probability", "entropy", "outlier", "n_bands", "model", "path"};
    duckdb_logical_type members[] = {type_text(), type_double(),  type_double(), type_double(),
                                     type_integer(), type_text(), type_texts()};
    return struct_of(members, names, 7);
}

duckdb_logical_type type_answer(void)
{
    const char *names[] = {"prediction", "probabilities"};
    duckdb_logical_type members[] = {type_prediction(), type_doubles()};
    return struct_of(members, names, 2);
}

duckdb_logical_type type_branch(void)
{
    const char *names[] = {"node", "probability", "path"};
    duckdb_logical_type members[] = {type_text(), type_double(), type_text()};
    return struct_of(members, names, 3);
}

duckdb_logical_type type_classified(void)
{
    const char *names[] = {"class", "class_probability", "class_path", "outlier", "label"};
    duckdb_logical_type members[] = {type_text(), type_double(), type_text(), type_double(), type_text()};
    return struct_of(members, names, 5);
}

duckdb_logical_type type_explanation(void)
{
    const char *names[] = {"band", "contribution"};
    duckdb_logical_type members[] = {type_text(), type_double()};
    return list_of(struct_of(members, names, 2));
}
