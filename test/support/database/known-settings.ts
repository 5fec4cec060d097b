// The settings that ALTER DATABASE and ALTER ROLE can reach and that sessions of ours do not pin: why each of them changes no statement of
// ours. A setting that is in neither list fails the walk: then somebody has to say what it does.

/** Reason first. Names of PostgreSQL 15 to 18; a server may lack some. */
const harmless: readonly (readonly [reason: string, names: string])[] = [
  [
    "chooses a plan: other costs and other nodes, the same rows; what is printed or digested has an order of its own",
    `constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction debug_parallel_query
     default_statistics_target effective_cache_size enable_async_append enable_bitmapscan enable_distinct_reordering enable_gathermerge
     enable_group_by_reordering enable_hashagg enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan enable_material
     enable_memoize enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash enable_partition_pruning
     enable_partitionwise_aggregate enable_partitionwise_join enable_presorted_aggregate enable_self_join_elimination enable_seqscan
     enable_sort enable_tidscan force_parallel_mode from_collapse_limit geqo geqo_effort geqo_generations geqo_pool_size geqo_seed
     geqo_selection_bias geqo_threshold jit jit_above_cost jit_expressions jit_inline_above_cost jit_optimize_above_cost
     jit_tuple_deforming join_collapse_limit max_parallel_workers max_parallel_workers_per_gather min_parallel_index_scan_size
     min_parallel_table_scan_size parallel_leader_participation parallel_setup_cost parallel_tuple_cost plan_cache_mode random_page_cost
     recursive_worktable_factor seq_page_cost synchronize_seqscans`,
  ],
  [
    "how much memory or input and output at a time: slower or faster, the same rows",
    `backend_flush_after effective_io_concurrency hash_mem_multiplier io_combine_limit maintenance_io_concurrency maintenance_work_mem
     temp_buffers work_mem logical_decoding_work_mem max_parallel_maintenance_workers gin_pending_list_limit`,
  ],
  [
    "a limit that ends a statement with an error of its own, never with fewer rows",
    "temp_file_limit max_stack_depth restrict_nonsystem_relation_kind",
  ],
  [
    "what the server logs or counts about itself, and a process's title",
    `backtrace_functions client_min_messages compute_query_id debug_pretty_print debug_print_parse debug_print_plan debug_print_rewritten
     jit_dump_bitcode log_duration log_error_verbosity log_executor_stats log_lock_failures log_lock_waits log_min_duration_sample
     log_min_duration_statement log_min_error_statement log_min_messages log_parameter_max_length log_parameter_max_length_on_error
     log_parser_stats log_planner_stats log_replication_commands log_statement log_statement_sample_rate log_statement_stats log_temp_files
     log_transaction_sample_rate md5_password_warnings plpgsql.print_strict_params trace_notify trace_sort track_activities
     track_cost_delay_timing track_functions track_io_timing track_wal_io_timing update_process_title`,
  ],
  ["the language of messages: we branch on states and codes alone", "lc_messages"],
  [
    "vacuum, replication, WAL and the storage of new things: our sessions do none of it, and what is stored reads the same",
    `commit_delay commit_siblings debug_logical_replication_streaming default_table_access_method default_tablespace
     default_toast_compression file_copy_method temp_tablespaces vacuum_buffer_usage_limit vacuum_cost_delay vacuum_cost_limit
     vacuum_cost_page_dirty vacuum_cost_page_hit vacuum_cost_page_miss vacuum_failsafe_age vacuum_freeze_min_age vacuum_freeze_table_age
     vacuum_max_eager_freeze_failure_rate vacuum_multixact_failsafe_age vacuum_multixact_freeze_min_age vacuum_multixact_freeze_table_age
     vacuum_truncate wal_compression wal_consistency_checking wal_init_zero wal_recycle wal_sender_timeout wal_skip_threshold`,
  ],
  [
    "definitions, roles and passwords: no session of ours makes any",
    `allow_in_place_tablespaces allow_system_table_mods check_function_bodies createrole_self_grant event_triggers icu_validation_level
     lo_compat_privileges password_encryption scram_iterations`,
  ],
  [
    "which code the server loads: its owner's, as the server itself is",
    "dynamic_library_path extension_control_path session_preload_libraries",
  ],
  ["text search of the owner's functions: ours search no text", "default_text_search_config"],
  ["caches of the catalogue: slower, never another answer", "debug_discard_caches"],
  ["how long a waiter waits before the server looks for a deadlock", "deadlock_timeout"],
  ["sent in the startup packet, by its own field", "application_name client_encoding"],
  [
    "a BEGIN of ours says it, and each transaction of the server begins with the default_… setting",
    "transaction_deferrable transaction_isolation transaction_read_only",
  ],
  ["read by source_pin: the certificate does not pass where it is off, for whomever", "track_counts"],
];

const toNames = (groups: typeof harmless): ReadonlySet<string> => new Set(groups.flatMap(([, names]) => names.split(/\s+/)));

export const harmlessSettings = toNames(harmless);
/** All of these at once make plans that take minutes. */
export const plannerSettings = toNames(harmless.slice(0, 1));

/** Where neither the other boolean, the first other word nor an end of the range is a value that bites. Null: there is no other value. */
export const unusualValues: Readonly<Record<string, string | null>> = {
  DateStyle: "SQL, DMY",
  TimeZone: "Asia/Ho_Chi_Minh",
  backtrace_functions: "errstart",
  application_name: "somebody",
  client_encoding: "LATIN1",
  client_min_messages: "error",
  createrole_self_grant: "set, inherit",
  debug_discard_caches: null, // a build without assertions has one value
  default_table_access_method: null,
  default_tablespace: "pg_default",
  default_text_search_config: "pg_catalog.english",
  dynamic_library_path: "$libdir:/nowhere",
  extension_control_path: "/nowhere",
  extra_float_digits: "-15",
  gin_fuzzy_search_limit: "1",
  lc_messages: "C",
  lc_monetary: "POSIX",
  lc_numeric: "POSIX",
  lc_time: "POSIX",
  local_preload_libraries: "no_such_library",
  log_min_messages: "error",
  max_stack_depth: "200kB",
  log_statement_stats: null, // refuses to be on beside its parts; alone it is log output as they are
  "plpgsql.extra_errors": "all",
  "plpgsql.extra_warnings": "all",
  restrict_nonsystem_relation_kind: "foreign-table",
  search_path: "pg_temp, public",
  session_preload_libraries: "$libdir/plpgsql",
  synchronous_commit: "off",
  temp_tablespaces: "pg_default",
  timezone_abbreviations: "India",
  transaction_deferrable: null, // the server refuses these two in ALTER: a query came before
  transaction_isolation: null,
  wal_consistency_checking: "heap",
  // one millisecond, one second: these would end everything
  statement_timeout: "1",
  lock_timeout: "1",
  idle_in_transaction_session_timeout: "1",
  idle_session_timeout: "1",
  transaction_timeout: "1",
  tcp_user_timeout: "1",
  tcp_keepalives_idle: "1",
  tcp_keepalives_interval: "1",
  tcp_keepalives_count: "1",
  client_connection_check_interval: "1",
};
