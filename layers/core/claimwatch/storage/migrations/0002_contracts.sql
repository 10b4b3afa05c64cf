-- Contracts, and the outcomes of claims, whose contract is the same for every line.

CREATE TABLE claimwatch.contract (
    contract_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    line        text        NOT NULL,
    version     text,
    status      text        NOT NULL CHECK (status IN ('applied', 'refused', 'superseded')),
    text        text        NOT NULL,
    sha256      text        NOT NULL,
    bucket      text        NOT NULL,
    key         text        NOT NULL,
    version_id  text        NOT NULL,
    received_at timestamptz NOT NULL,
    sequencer   text        COLLATE "C" NOT NULL DEFAULT '',
    decided_at  timestamptz NOT NULL DEFAULT now(),
    columns     jsonb       NOT NULL DEFAULT '{}',
    error       text,
    notified_at timestamptz,
    UNIQUE (bucket, key, version_id),
    CHECK ((status = 'refused') = (error IS NOT NULL)),
    CHECK (status <> 'applied' OR version IS NOT NULL)
);
COMMENT ON TABLE claimwatch.contract IS
    'One row for each object version of a contract. A line''s running contract is the last that was applied.';
COMMENT ON COLUMN claimwatch.contract.version IS 'The version that it gives itself; none if it cannot be read.';
COMMENT ON COLUMN claimwatch.contract.received_at IS 'When S3 received the object; orders contracts, with sequencer.';
COMMENT ON COLUMN claimwatch.contract.columns IS
    'The columns of the line''s table from then on, with those that only earlier contracts named.';
CREATE INDEX contract_by_line ON claimwatch.contract (line, contract_id DESC) WHERE status = 'applied';

CREATE TABLE claimwatch.outcome (
    line       text        NOT NULL DEFAULT current_setting('claimwatch.line'),
    claim_id   text        COLLATE "C" NOT NULL,
    is_fraud   boolean     NOT NULL,
    decided_at timestamptz NOT NULL,
    decided_by text,
    source     text,
    -- Named once for each COPY by a setting of the session, as the line is.
    file_id    bigint      NOT NULL DEFAULT current_setting('claimwatch.file_id')::bigint,
    row_number bigint      NOT NULL,
    extra      jsonb,
    PRIMARY KEY (line, claim_id, file_id, row_number)
);
COMMENT ON TABLE claimwatch.outcome IS 'What became of claims, as each file told it; an outcome may come before its claim.';
CREATE INDEX outcome_by_file ON claimwatch.outcome USING brin (file_id)
    WITH (pages_per_range = 32, autosummarize = on);

CREATE VIEW claimwatch.current_outcome AS
SELECT DISTINCT ON (o.line, o.claim_id) o.*
FROM claimwatch.outcome AS o JOIN claimwatch.file AS f ON f.file_id = o.file_id
WHERE f.status = 'committed'
ORDER BY o.line, o.claim_id, f.received_at DESC, f.sequencer COLLATE "C" DESC, f.file_id DESC, o.row_number DESC;
COMMENT ON VIEW claimwatch.current_outcome IS 'One row for each claim with an outcome: the newest, of committed files only.';
