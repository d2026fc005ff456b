/* The calls of DuckDB's C API that are used, each with its slot in the struct of pointers that DuckDB hands to an
   extension. Slots are stable since v1.2.0 of that API; tests/native/test_header.py checks them against DuckDB's
   own header. */
#ifndef SED_DUCKDB_CALLS_H
#define SED_DUCKDB_CALLS_H

/* X(slot, what it returns, name without duckdb_, parameters) */
#define SED_DUCKDB_CALLS(X) \
    /* Connections */ \
    X(3, duckdb_state, connect, (duckdb_database database, duckdb_connection *out_connection)) \
    X(6, void, disconnect, (duckdb_connection *connection)) \
    /* Types */ \
    X(156, duckdb_logical_type, create_logical_type, (duckdb_type type)) \
    X(159, duckdb_logical_type, create_list_type, (duckdb_logical_type type)) \
    X(163, duckdb_logical_type, create_struct_type, \
      (duckdb_logical_type *member_types, const char **member_names, idx_t member_count)) \
    X(184, void, destroy_logical_type, (duckdb_logical_type *type)) \
    /* Chunks and vectors */ \
    X(189, idx_t, data_chunk_get_column_count, (duckdb_data_chunk chunk)) \
    X(190, duckdb_vector, data_chunk_get_vector, (duckdb_data_chunk chunk, idx_t col_idx)) \
    X(191, idx_t, data_chunk_get_size, (duckdb_data_chunk chunk)) \
    X(194, void *, vector_get_data, (duckdb_vector vector)) \
    X(195, uint64_t *, vector_get_validity, (duckdb_vector vector)) \
    X(196, void, vector_ensure_validity_writable, (duckdb_vector vector)) \
    X(197, void, vector_assign_string_element, (duckdb_vector vector, idx_t index, const char *str)) \
    X(198, void, vector_assign_string_element_len, \
      (duckdb_vector vector, idx_t index, const char *str, idx_t str_len)) \
    X(199, duckdb_vector, list_vector_get_child, (duckdb_vector vector)) \
    X(200, idx_t, list_vector_get_size, (duckdb_vector vector)) \
    X(201, duckdb_state, list_vector_set_size, (duckdb_vector vector, idx_t size)) \
    X(202, duckdb_state, list_vector_reserve, (duckdb_vector vector, idx_t required_capacity)) \
    X(203, duckdb_vector, struct_vector_get_child, (duckdb_vector vector, idx_t index)) \
    X(207, void, validity_set_row_invalid, (uint64_t *validity, idx_t row)) \
    /* Scalar functions */ \
    X(209, duckdb_scalar_function, create_scalar_function, (void)) \
    X(210, void, destroy_scalar_function, (duckdb_scalar_function *function)) \
    X(211, void, scalar_function_set_name, (duckdb_scalar_function function, const char *name)) \
    X(213, void, scalar_function_set_special_handling, (duckdb_scalar_function function)) \
    X(214, void, scalar_function_set_volatile, (duckdb_scalar_function function)) \
    X(215, void, scalar_function_add_parameter, (duckdb_scalar_function function, duckdb_logical_type type)) \
    X(216, void, scalar_function_set_return_type, (duckdb_scalar_function function, duckdb_logical_type type)) \
    X(217, void, scalar_function_set_extra_info, \
      (duckdb_scalar_function function, void *extra_info, duckdb_delete_callback_t destroy)) \
    X(218, void, scalar_function_set_function, \
      (duckdb_scalar_function function, duckdb_scalar_function_t run)) \
    X(219, duckdb_state, register_scalar_function, \
      (duckdb_connection connection, duckdb_scalar_function function)) \
    X(220, void *, scalar_function_get_extra_info, (duckdb_function_info info)) \
    X(221, void, scalar_function_set_error, (duckdb_function_info info, const char *error))

#endif
