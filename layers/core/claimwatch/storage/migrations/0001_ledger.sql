-- The ledger: what was dropped, how far it got, and what was refused.

CREATE SCHEMA IF NOT EXISTS claimwatch;

CREATE TABLE claimwatch.file (
    file_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset          text        NOT NULL CHECK (dataset IN ('claims', 'outcomes', 'unknown')),
    line             text,
    bucket           text        NOT NULL,
    key              text        NOT NULL,
    version_id       text        NOT NULL,
    sequencer        text        NOT NULL DEFAULT '',
    size_bytes       bigint,
    status           text        NOT NULL DEFAULT 'received'
                     CHECK (status IN ('received', 'parked', 'loading', 'committed', 'refused', 'failed')),
    attempt          integer     NOT NULL DEFAULT 1,
    format           text,
    contract_version text,
    chunks           integer,
    rows_read        bigint,
    rows_loaded      bigint,
    rows_quarantined bigint,
    received_at      timestamptz NOT NULL,
    committed_at     timestamptz,
    error            text,
    details          jsonb       NOT NULL DEFAULT '{}',
    notified_at      timestamptz,
    UNIQUE (bucket, key, version_id),
    -- Nothing is lost: a committed file accounts for every row that was read.
    CHECK (status <> 'committed' OR rows_read = rows_loaded + rows_quarantined),
    CHECK ((status = 'committed') = (committed_at IS NOT NULL))
);
COMMENT ON TABLE claimwatch.file IS 'The ledger: one row for each object version that was dropped.';
COMMENT ON COLUMN claimwatch.file.received_at IS 'When S3 received the object; orders files, with sequencer and file_id.';
COMMENT ON COLUMN claimwatch.file.attempt IS 'Raised by each replay; work for an earlier attempt is refused.';
CREATE INDEX file_by_line_and_status ON claimwatch.file (line, status);

CREATE TABLE claimwatch.chunk (
    file_id          bigint  NOT NULL REFERENCES claimwatch.file ON DELETE CASCADE,
    number           integer NOT NULL,
    rows_read        bigint  NOT NULL,
    rows_loaded      bigint  NOT NULL,
    rows_quarantined bigint  NOT NULL,
    claim_hashes     bytea   NOT NULL,
    PRIMARY KEY (file_id, number),
    CHECK (rows_read = rows_loaded + rows_quarantined)
);
COMMENT ON TABLE claimwatch.chunk IS 'Chunks that are loaded; written in the transaction that loads the rows.';
COMMENT ON COLUMN claimwatch.chunk.claim_hashes IS 'Sorted 64-bit hashes of the claim ids, native little-endian; emptied at commit.';

CREATE TABLE claimwatch.quarantine (
    file_id    bigint NOT NULL REFERENCES claimwatch.file ON DELETE CASCADE,
    row_number bigint NOT NULL,
    raw        text   NOT NULL,
    reasons    jsonb  NOT NULL,
    PRIMARY KEY (file_id, row_number)
);
COMMENT ON TABLE claimwatch.quarantine IS 'Rows that were refused, as they came, each with every reason.';

CREATE TABLE claimwatch.extra_column (
    line          text   NOT NULL,
    dataset       text   NOT NULL,
    name          text   NOT NULL,
    first_file_id bigint NOT NULL REFERENCES claimwatch.file ON DELETE CASCADE,
    notified_at   timestamptz,
    PRIMARY KEY (line, dataset, name)
);
COMMENT ON TABLE claimwatch.extra_column IS 'Columns that no contract names, each reported once.';
