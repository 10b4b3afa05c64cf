-- Sources: the company's own servers, which claims are pulled from. A window is fixed before it is read, so that every
-- repetition reads the same rows into the same object.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'claimwatch_sources') THEN
        CREATE ROLE claimwatch_sources NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- the migration of another database of this server has just created it
END
$$;
COMMENT ON ROLE claimwatch_sources IS 'Applies sources and pulls claims from them.';
GRANT USAGE ON SCHEMA claimwatch TO claimwatch_sources;

CREATE TABLE claimwatch.source_version (
    source_version_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source            text        NOT NULL,
    bucket            text        NOT NULL,
    key               text        NOT NULL,
    version_id        text        NOT NULL,
    received_at       timestamptz NOT NULL,
    sequencer         text        NOT NULL,
    status            text        NOT NULL CHECK (status IN ('applied', 'refused', 'superseded', 'removed')),
    text              text        NOT NULL,
    sha256            text        NOT NULL,
    error             text,
    recorded_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    notified_at       timestamptz,
    UNIQUE (bucket, key, version_id)
);
COMMENT ON TABLE claimwatch.source_version IS 'Every version of every source file, and what became of it.';

CREATE TABLE claimwatch.source (
    source        text        PRIMARY KEY,
    line          text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('postgresql', 'mysql', 'sqlserver', 'oracle', 'sftp')),
    text          text        NOT NULL,
    received_at   timestamptz NOT NULL,
    sequencer     text        NOT NULL,
    paused        boolean     NOT NULL,
    removed       boolean     NOT NULL DEFAULT false,
    reads_sha256  text        NOT NULL,
    position      jsonb,
    cycle         jsonb,
    after_key     jsonb,
    cycles        bigint      NOT NULL DEFAULT 0,
    windows       bigint      NOT NULL DEFAULT 0,
    columns       jsonb,
    execution     text,
    generation    bigint      NOT NULL DEFAULT 0,
    lease_until   timestamptz,
    taken_at      timestamptz,
    looked_at     timestamptz,
    rows_at       timestamptz,
    applied_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    failing_since timestamptz,
    error         text,
    failure_notified_at timestamptz,
    silence_notified_at timestamptz
);
COMMENT ON TABLE claimwatch.source IS 'The running version of each source, and how far it was pulled.';
COMMENT ON COLUMN claimwatch.source.reads_sha256 IS
    'Digest of what the source reads and how. Another one begins again with all rows.';
COMMENT ON COLUMN claimwatch.source.position IS 'The last cycle that was pulled to its end.';
COMMENT ON COLUMN claimwatch.source.cycle IS 'The cycle that is being pulled.';
COMMENT ON COLUMN claimwatch.source.after_key IS 'Key of the last row of the cycle that was committed.';
COMMENT ON COLUMN claimwatch.source.execution IS 'The execution that pulls; no other one may until lease_until.';
COMMENT ON COLUMN claimwatch.source.generation IS
    'Number of the last plan. A step of an earlier plan changes nothing.';
COMMENT ON COLUMN claimwatch.source.taken_at IS 'When that execution took the source.';
COMMENT ON COLUMN claimwatch.source.looked_at IS 'When the source was last pulled to its end.';
COMMENT ON COLUMN claimwatch.source.rows_at IS 'When it last had a new row or file.';

CREATE TABLE claimwatch.source_window (
    source       text        NOT NULL REFERENCES claimwatch.source,
    number       bigint      NOT NULL CHECK (number > 0),
    cycle_number bigint      NOT NULL,
    cycle        jsonb       NOT NULL,
    after_key    jsonb,
    upto_key     jsonb,
    path         text,
    size_bytes   bigint,
    modified_at  timestamptz,
    row_limit    bigint,
    last         boolean     NOT NULL,
    object_key   text        NOT NULL,
    execution    text        NOT NULL,
    attempts     integer     NOT NULL DEFAULT 1,
    planned_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    rows_read    bigint,
    rows_pulled  bigint,
    object_bytes bigint,
    version_id   text,
    sha256       text,
    extracted_at timestamptz,
    seconds      double precision,
    committed_at timestamptz,
    discarded_at timestamptz,
    PRIMARY KEY (source, number),
    CHECK (committed_at IS NULL OR (extracted_at IS NOT NULL AND discarded_at IS NULL))
);
COMMENT ON TABLE claimwatch.source_window IS
    'What was pulled from a source in one object: a range of keys of a cycle, or one version of one file.';
COMMENT ON COLUMN claimwatch.source_window.rows_pulled IS
    'Rows in the object; fewer than rows_read if some had been pulled before.';
COMMENT ON COLUMN claimwatch.source_window.version_id IS 'Version of the object; null if the window has no new row.';
COMMENT ON COLUMN claimwatch.source_window.row_limit IS 'Rows that the window was planned to have at most.';
COMMENT ON COLUMN claimwatch.source_window.discarded_at IS
    'When the window was given up, because the source began again or the file changed.';
CREATE UNIQUE INDEX source_window_open ON claimwatch.source_window (source)
    WHERE committed_at IS NULL AND discarded_at IS NULL;
CREATE INDEX source_window_object ON claimwatch.source_window (object_key);

CREATE TABLE claimwatch.source_row (
    source     text  NOT NULL,
    key        text  NOT NULL,
    row_hash   bytea NOT NULL,
    cycle_number bigint NOT NULL,
    PRIMARY KEY (source, key)
);
COMMENT ON TABLE claimwatch.source_row IS
    'Keyed hashes of rows that were pulled: of all with mode difference, of the last minutes with mode overlap.';
COMMENT ON COLUMN claimwatch.source_row.cycle_number IS 'The last cycle that had the row.';

CREATE TABLE claimwatch.source_window_row (
    source     text   NOT NULL,
    number     bigint NOT NULL,
    key        text   NOT NULL,
    row_hash   bytea  NOT NULL
);
COMMENT ON TABLE claimwatch.source_window_row IS 'Rows of windows that are not committed.';
CREATE INDEX source_window_row_of ON claimwatch.source_window_row (source, number);

CREATE TABLE claimwatch.source_file (
    source      text        NOT NULL,
    path        text        NOT NULL,
    size_bytes  bigint      NOT NULL,
    modified_at timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    pulled_at   timestamptz,
    PRIMARY KEY (source, path)
);
COMMENT ON TABLE claimwatch.source_file IS
    'Files of SFTP servers as they were last seen. Another size or time is another version, which is pulled again.';
COMMENT ON COLUMN claimwatch.source_file.seen_at IS 'When the file was first seen with this size and time.';

CREATE TABLE claimwatch.source_deletion (
    source       text        NOT NULL,
    key          text        NOT NULL,
    cycle_number bigint      NOT NULL,
    missing_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (source, key, cycle_number)
);
COMMENT ON TABLE claimwatch.source_deletion IS
    'Rows that a source with mode difference no longer has. Their claims stay.';

GRANT SELECT, INSERT, UPDATE (notified_at) ON claimwatch.source_version TO claimwatch_sources;
GRANT SELECT, INSERT, UPDATE ON claimwatch.source TO claimwatch_sources;
GRANT SELECT, INSERT, UPDATE ON claimwatch.source_window TO claimwatch_sources;
GRANT SELECT, INSERT, UPDATE, DELETE ON claimwatch.source_row, claimwatch.source_window_row, claimwatch.source_file
    TO claimwatch_sources;
GRANT SELECT, INSERT ON claimwatch.source_deletion TO claimwatch_sources;
GRANT SELECT ON claimwatch.source_version, claimwatch.source, claimwatch.source_window, claimwatch.source_file,
    claimwatch.source_deletion TO claimwatch_read;
