-- Queries that a PostgreSQL server of a source answers about itself, to a login that may only read.

-- name: settings
-- What each transaction sets for itself, so that it also holds with a pooler of connections.
SELECT set_config(name, value, true)
FROM (VALUES ('search_path', 'pg_catalog'),
             ('timezone', 'UTC'),
             ('datestyle', 'ISO, YMD'),
             ('intervalstyle', 'iso_8601'),
             ('extra_float_digits', '3'),
             ('synchronize_seqscans', 'off'),
             ('lock_timeout', '30s'),
             ('idle_in_transaction_session_timeout', '15min'),
             ('statement_timeout', %(milliseconds)s)) AS wanted (name, value);

-- name: table
SELECT c.oid::bigint, c.relkind::text
FROM pg_class c
WHERE c.relname = %(name)s AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = %(schema)s)
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f');

-- name: same_names
-- Tables whose name differs only in its schema or in upper and lower case.
SELECT n.nspname || '.' || c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE lower(c.relname) = lower(%(name)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1
LIMIT 3;

-- name: columns
SELECT attname FROM pg_attribute WHERE attrelid = %(table)s AND attnum > 0 AND NOT attisdropped;

-- name: types
SELECT oid::bigint, format_type(oid, -1) FROM pg_type WHERE oid = ANY (%(oids)s::bigint[]);

-- name: nullable
SELECT attname FROM pg_attribute
WHERE attrelid = %(table)s AND attname = ANY (%(columns)s) AND NOT attnotnull;

-- name: tables
SELECT n.nspname || '.' || c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY 1;

-- name: key_index
-- Whether a unique index begins with the columns of the key, in this order.
SELECT count(*) > 0
FROM pg_index i
WHERE i.indrelid = %(table)s AND i.indisvalid AND i.indpred IS NULL
  AND %(columns)s::text[] = ARRAY(
      SELECT a.attname::text
      FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (number, place)
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = part.number
      WHERE part.place <= cardinality(%(columns)s::text[])
      ORDER BY part.place);

-- name: privileges
-- What a login could change, itself or as a role that it may become: at most five examples.
WITH reachable AS (
    SELECT oid FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER')
), owned AS (
    SELECT c.oid, c.relowner, c.relkind, n.nspname || '.' || c.relname AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), found (place, problem) AS (
    SELECT 1, 'it is a superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
    UNION ALL
    SELECT 2, 'it is a member of ' || r.rolname
    FROM pg_roles r
    WHERE r.rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program')
      AND pg_has_role(current_user, r.oid, 'MEMBER')
    UNION ALL
    SELECT 3, 'it may create roles' FROM pg_roles
    WHERE rolcreaterole AND NOT rolsuper AND oid IN (SELECT oid FROM reachable)
    UNION ALL
    SELECT 4, 'it owns ' || name FROM owned WHERE relowner IN (SELECT oid FROM reachable)
    UNION ALL
    SELECT 5, privilege || ' on ' || name
    FROM owned, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) AS privilege
    WHERE EXISTS (
        SELECT FROM reachable r
        WHERE has_table_privilege(r.oid, owned.oid, privilege)
           OR privilege IN ('INSERT', 'UPDATE') AND has_any_column_privilege(r.oid, owned.oid, privilege))
    UNION ALL
    -- Until version 15 every login may create tables in the schema public; that is no sign of a writer.
    SELECT 6, 'CREATE on schema ' || n.nspname
    FROM pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND EXISTS (SELECT FROM reachable r WHERE has_schema_privilege(r.oid, n.oid, 'CREATE'))
      AND NOT has_schema_privilege('public', n.oid, 'CREATE')
)
SELECT problem FROM found ORDER BY place, problem LIMIT 5;

-- name: relations
-- The table and everything that inherits from it, with the transactions that linked it.
WITH RECURSIVE tree (oid, links) AS (
    SELECT %(table)s::oid, ARRAY[]::bigint[]
    UNION ALL
    SELECT i.inhrelid, tree.links || i.xmin::text::bigint
    FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid
)
SELECT tree.oid::bigint, tree.links, c.relkind::text, coalesce(am.amname, ''),
       n.nspname || '.' || c.relname, row_security_active(c.oid)
FROM tree
JOIN pg_class c ON c.oid = tree.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
ORDER BY 1;

-- name: horizon
-- All transactions below the first number are over; none has the second number or a higher one.
SELECT txid_snapshot_xmin(txid_current_snapshot()),
       txid_snapshot_xmax(txid_current_snapshot()),
       pg_is_in_recovery(),
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database());

-- name: primary_identity
-- The history of a server: a copy that was restored to another point in time has another timeline.
SELECT (SELECT system_identifier::text FROM pg_control_system()),
       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint;

-- name: standby_identity
SELECT (SELECT system_identifier::text FROM pg_control_system()),
       (SELECT timeline_id::bigint FROM pg_control_checkpoint());

-- name: written
SELECT pg_current_wal_insert_lsn()::text;

-- name: is_flushed
SELECT pg_current_wal_flush_lsn() >= %(position)s::pg_lsn;

-- name: take_number
-- The end of a transaction that has a number makes the server flush its log soon. Nothing is changed.
SELECT txid_current();
