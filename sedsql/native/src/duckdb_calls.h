/* The calls of DuckDB's C API that are used, each at its slot in the struct of pointers that DuckDB hands an extension.
   Slots are stable from v1.2.0 of that API on; tests/native/test_header.py checks them against DuckDB's own header. */
#ifndef SED_DUCKDB_CALLS_H
#define SED_DUCKDB_CALLS_H

/* X(slot, what it returns, name without duckdb_, parameters) */
#define SED_DUCKDB_CALLS(X) \
    /* Connections and queries */ \
    X(3, duckdb_state, connect, (duckdb_database database, duckdb_connection *out_connection)) \
    X(6, void, disconnect, (duckdb_connection *connection)) \
    X(7, const char *, library_version, (void)) \
    X(13, duckdb_state, query, (duckdb_connection connection, const char *query, duckdb_result *out_result)) \
    X(14, void, destroy_result, (duckdb_result *result)) \
    X(21, const char *, result_error, (duckdb_result *result)) \
    /* Memory */ \
    X(24, void *, malloc, (size_t size)) \
    X(25, void, free, (void *ptr)) \
    X(26, idx_t, vector_size, (void)) \
    /* Values */ \
    X(92, void, destroy_value, (duckdb_value *value)) \
    X(93, duckdb_value, create_varchar, (const char *text)) \
    X(125, int64_t, get_int64, (duckdb_value value)) \
    X(142, char *, get_varchar, (duckdb_value value)) \
    /* Types */ \
    X(156, duckdb_logical_type, create_logical_type, (duckdb_type type)) \
    X(159, duckdb_logical_type, create_list_type, (duckdb_logical_type type)) \
    X(163, duckdb_logical_type, create_struct_type, \
      (duckdb_logical_type *member_types, const char **member_names, idx_t member_count)) \
    X(166, duckdb_type, get_type_id, (duckdb_logical_type type)) \
    X(173, duckdb_logical_type, list_type_child_type, (duckdb_logical_type type)) \
    X(175, idx_t, array_type_array_size, (duckdb_logical_type type)) \
    X(178, idx_t, struct_type_child_count, (duckdb_logical_type type)) \
    X(180, duckdb_logical_type, struct_type_child_type, (duckdb_logical_type type, idx_t index)) \
    X(184, void, destroy_logical_type, (duckdb_logical_type *type)) \
    /* Chunks and vectors */ \
    X(189, idx_t, data_chunk_get_column_count, (duckdb_data_chunk chunk)) \
    X(190, duckdb_vector, data_chunk_get_vector, (duckdb_data_chunk chunk, idx_t col_idx)) \
    X(191, idx_t, data_chunk_get_size, (duckdb_data_chunk chunk)) \
    X(192, void, data_chunk_set_size, (duckdb_data_chunk chunk, idx_t size)) \
    X(193, duckdb_logical_type, vector_get_column_type, (duckdb_vector vector)) \
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
    X(204, duckdb_vector, array_vector_get_child, (duckdb_vector vector)) \
    X(205, bool, validity_row_is_valid, (uint64_t *validity, idx_t row)) \
    X(207, void, validity_set_row_invalid, (uint64_t *validity, idx_t row)) \
    /* Scalar functions */ \
    X(209, duckdb_scalar_function, create_scalar_function, (void)) \
    X(210, void, destroy_scalar_function, (duckdb_scalar_function *function)) \
    X(211, void, scalar_function_set_name, (duckdb_scalar_function function, const char *name)) \
    X(212, void, scalar_function_set_varargs, (duckdb_scalar_function function, duckdb_logical_type type)) \
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
    X(221, void, scalar_function_set_error, (duckdb_function_info info, const char *error)) \
    X(222, duckdb_scalar_function_set, create_scalar_function_set, (const char *name)) \
    X(223, void, destroy_scalar_function_set, (duckdb_scalar_function_set *set)) \
    X(224, duckdb_state, add_scalar_function_to_set, \
      (duckdb_scalar_function_set set, duckdb_scalar_function function)) \
    X(225, duckdb_state, register_scalar_function_set, \
      (duckdb_connection connection, duckdb_scalar_function_set set)) \
    /* Table functions */ \
    X(242, duckdb_table_function, create_table_function, (void)) \
    X(243, void, destroy_table_function, (duckdb_table_function *function)) \
    X(244, void, table_function_set_name, (duckdb_table_function function, const char *name)) \
    X(245, void, table_function_add_parameter, (duckdb_table_function function, duckdb_logical_type type)) \
    X(246, void, table_function_add_named_parameter, \
      (duckdb_table_function function, const char *name, duckdb_logical_type type)) \
    X(247, void, table_function_set_extra_info, \
      (duckdb_table_function function, void *extra_info, duckdb_delete_callback_t destroy)) \
    X(248, void, table_function_set_bind, (duckdb_table_function function, duckdb_table_function_bind_t bind)) \
    X(249, void, table_function_set_init, (duckdb_table_function function, duckdb_table_function_init_t init)) \
    X(251, void, table_function_set_function, \
      (duckdb_table_function function, duckdb_table_function_t run)) \
    X(252, void, table_function_supports_projection_pushdown, (duckdb_table_function function, bool pushdown)) \
    X(253, duckdb_state, register_table_function, \
      (duckdb_connection connection, duckdb_table_function function)) \
    X(254, void *, bind_get_extra_info, (duckdb_bind_info info)) \
    X(255, void, bind_add_result_column, (duckdb_bind_info info, const char *name, duckdb_logical_type type)) \
    X(256, idx_t, bind_get_parameter_count, (duckdb_bind_info info)) \
    X(257, duckdb_value, bind_get_parameter, (duckdb_bind_info info, idx_t index)) \
    X(258, duckdb_value, bind_get_named_parameter, (duckdb_bind_info info, const char *name)) \
    X(259, void, bind_set_bind_data, (duckdb_bind_info info, void *bind_data, duckdb_delete_callback_t destroy)) \
    X(260, void, bind_set_cardinality, (duckdb_bind_info info, idx_t cardinality, bool is_exact)) \
    X(261, void, bind_set_error, (duckdb_bind_info info, const char *error)) \
    X(262, void *, init_get_extra_info, (duckdb_init_info info)) \
    X(263, void *, init_get_bind_data, (duckdb_init_info info)) \
    X(264, void, init_set_init_data, (duckdb_init_info info, void *init_data, duckdb_delete_callback_t destroy)) \
    X(265, idx_t, init_get_column_count, (duckdb_init_info info)) \
    X(266, idx_t, init_get_column_index, (duckdb_init_info info, idx_t column_index)) \
    X(267, void, init_set_max_threads, (duckdb_init_info info, idx_t max_threads)) \
    X(268, void, init_set_error, (duckdb_init_info info, const char *error)) \
    X(269, void *, function_get_extra_info, (duckdb_function_info info)) \
    X(270, void *, function_get_bind_data, (duckdb_function_info info)) \
    X(271, void *, function_get_init_data, (duckdb_function_info info)) \
    X(273, void, function_set_error, (duckdb_function_info info, const char *error))

#endif
