package runbook

import "strings"

func set(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// What a reading question to Postgres may be made of. The lists hold what runbooks ask; a name that is missing is refused, which is safe.
var (
	sqlNodes = set(`SelectStmt ResTarget ColumnRef A_Star String Integer Float Boolean BitString A_Const RangeVar RangeSubselect RangeFunction JoinExpr Alias
		A_Expr BoolExpr NullTest BooleanTest FuncCall TypeCast TypeName SortBy SubLink CaseExpr CaseWhen CoalesceExpr MinMaxExpr List A_ArrayExpr
		A_Indirection A_Indices WindowDef RowExpr SQLValueFunction GroupingSet CollateClause`)

	// sqlFunctions change nothing, show no setting, file or stored object, and end on their own.
	sqlFunctions = set(`count sum avg min max bool_and bool_or string_agg array_agg now clock_timestamp statement_timestamp transaction_timestamp
		age date_trunc date_part extract to_char round floor ceil ceiling abs trunc lower upper length left right substring substr trim btrim ltrim rtrim
		concat replace split_part array_length array_to_string cardinality row_number rank dense_rank nullif
		pg_size_pretty pg_database_size pg_relation_size pg_total_relation_size pg_table_size pg_indexes_size pg_tablespace_size
		pg_is_in_recovery pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_current_wal_lsn pg_current_wal_insert_lsn
		pg_wal_lsn_diff pg_is_wal_replay_paused pg_postmaster_start_time pg_conf_load_time pg_backend_pid pg_blocking_pids pg_get_userbyid
		version current_database inet_server_addr inet_server_port`)

	sqlTypes = set(`int2 int4 int8 float4 float8 numeric bool text varchar bpchar name oid regclass interval timestamp timestamptz date time inet pg_lsn`)

	// serverViews say how the server is doing. pg_settings, pg_stat_wal_receiver, pg_authid and the like are missing: they can hold passwords.
	serverViews = set(`pg_stat_activity pg_stat_replication pg_stat_database pg_stat_database_conflicts pg_stat_bgwriter pg_stat_checkpointer pg_stat_archiver
		pg_stat_all_tables pg_stat_user_tables pg_stat_sys_tables pg_stat_all_indexes pg_stat_user_indexes pg_statio_user_tables pg_statio_user_indexes
		pg_stat_progress_vacuum pg_stat_progress_create_index pg_stat_progress_basebackup pg_stat_wal pg_stat_io pg_stat_slru pg_stat_ssl
		pg_locks pg_database pg_replication_slots pg_stat_replication_slots pg_class pg_namespace pg_tables pg_indexes pg_index pg_tablespace
		pg_extension pg_available_extensions pg_prepared_xacts pg_roles pg_stat_statements`)

	schemaViews = set(`tables columns schemata`)

	settings = set(`max_connections superuser_reserved_connections shared_buffers work_mem maintenance_work_mem effective_cache_size server_version
		server_version_num wal_level max_wal_size min_wal_size max_wal_senders max_replication_slots wal_keep_size hot_standby transaction_read_only
		default_transaction_read_only transaction_isolation statement_timeout lock_timeout idle_in_transaction_session_timeout synchronous_commit
		synchronous_standby_names max_worker_processes max_parallel_workers autovacuum checkpoint_timeout timezone archive_mode
		log_min_duration_statement track_activities track_counts data_checksums in_hot_standby max_locks_per_transaction`)
)
