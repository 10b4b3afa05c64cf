-- History of the schema.

-- name: lock_migrations
-- One migration at a time, until the transaction ends; the number identifies this lock.
SELECT pg_advisory_xact_lock(7010001);

-- name: create_history
-- An existing schema may have an owner who does not grant CREATE on the database.
DO $$
BEGIN
    IF to_regnamespace('claimwatch') IS NULL THEN
        CREATE SCHEMA claimwatch;
    END IF;
    CREATE TABLE IF NOT EXISTS claimwatch.migration (
        number bigint      PRIMARY KEY,
        name   text        NOT NULL,
        sha256 text        NOT NULL,
        ran_at timestamptz NOT NULL DEFAULT now()
    );
END
$$;

-- name: find_migration
SELECT sha256 FROM claimwatch.migration WHERE number = %s;

-- name: record_migration
INSERT INTO claimwatch.migration (number, name, sha256) VALUES (%s, %s, %s);
