-- Models: how they came to be, which of them are live since when and why, and the scores that they gave.

CREATE TABLE claimwatch.training (
    training_id text        PRIMARY KEY,
    line        text        NOT NULL,
    version     text        NOT NULL,
    why         text        NOT NULL,
    asked_by    text        NOT NULL,
    status      text        NOT NULL DEFAULT 'starting'
                CHECK (status IN ('starting', 'running', 'registered', 'refused', 'failed')),
    instance_id text,
    asked_at    timestamptz NOT NULL DEFAULT now(),
    deadline    timestamptz NOT NULL,
    ended_at    timestamptz,
    error       text,
    notified_at timestamptz,
    UNIQUE (line, version),
    CHECK ((status IN ('starting', 'running')) = (ended_at IS NULL)),
    CHECK ((status IN ('refused', 'failed')) = (error IS NOT NULL))
);
COMMENT ON TABLE claimwatch.training IS 'One row for each training that was asked for. Its id is the token that EC2 starts one instance for.';
COMMENT ON COLUMN claimwatch.training.version IS 'The version that its model gets; a number that each line counts for itself.';
COMMENT ON COLUMN claimwatch.training.deadline IS 'When the watchdog ends the instance, whatever it does.';
CREATE UNIQUE INDEX one_training_of_a_line_at_a_time ON claimwatch.training (line) WHERE ended_at IS NULL;

CREATE TABLE claimwatch.model_version (
    line             text        NOT NULL,
    version          text        NOT NULL,
    status           text        NOT NULL CHECK (status IN ('registered', 'refused')),
    metrics          jsonb       NOT NULL DEFAULT '{}',
    data_sha256      text        NOT NULL,
    code_version     text        NOT NULL,
    contract_version text        NOT NULL,
    bundle_uri       text,
    bundle_sha256    text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    refused_because  text,
    PRIMARY KEY (line, version),
    CHECK ((status = 'refused') = (refused_because IS NOT NULL)),
    -- Of what was refused before a model was made there is no bundle.
    CHECK (status = 'refused' OR (bundle_uri IS NOT NULL AND bundle_sha256 IS NOT NULL))
);
COMMENT ON TABLE claimwatch.model_version IS 'Every model that a training brought forth, the refused ones with the reason.';
COMMENT ON COLUMN claimwatch.model_version.bundle_sha256 IS 'Of the bundle''s manifest, which holds the hash of every part.';

CREATE TABLE claimwatch.promotion (
    promotion_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id    text        NOT NULL,
    line          text        NOT NULL,
    version       text,
    role          text        NOT NULL CHECK (role IN ('champion', 'challenger')),
    action        text        NOT NULL CHECK (action IN ('promote', 'rollback', 'vacate')),
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    by            text        NOT NULL,
    why           text        NOT NULL CHECK (why <> ''),
    bundle_uri    text,
    bundle_sha256 text,
    UNIQUE (request_id, role),
    FOREIGN KEY (line, version) REFERENCES claimwatch.model_version,
    CHECK ((action = 'vacate') = (version IS NULL)),
    CHECK ((version IS NULL) = (bundle_sha256 IS NULL)),
    CHECK ((version IS NULL) = (bundle_uri IS NULL))
);
COMMENT ON TABLE claimwatch.promotion IS 'Who made which model live in which role, when and why. Rows are added and never changed.';
COMMENT ON COLUMN claimwatch.promotion.request_id IS 'The request that asked for it; asked again, it finds its row.';
COMMENT ON COLUMN claimwatch.promotion.bundle_sha256 IS 'Pinned here: a bundle whose bytes differ is not used.';
CREATE INDEX promotion_by_role ON claimwatch.promotion (line, role, promotion_id DESC);

CREATE FUNCTION claimwatch.refuse_to_change_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of promotions is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER promotion_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.promotion
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER promotion_is_not_emptied BEFORE TRUNCATE ON claimwatch.promotion
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();

CREATE VIEW claimwatch.live_model AS
SELECT last.line, last.role, last.version, last.bundle_uri, last.bundle_sha256, last.at AS since, last.by, last.why
FROM (
    SELECT DISTINCT ON (line, role) * FROM claimwatch.promotion ORDER BY line, role, promotion_id DESC
) AS last
WHERE last.version IS NOT NULL;
COMMENT ON VIEW claimwatch.live_model IS 'The model in each role of each line, as the last promotion says.';

CREATE TABLE claimwatch.score (
    claim_id         text             COLLATE "C" NOT NULL,
    -- What a chunk's scores have in common is named once for each COPY, by settings of the transaction.
    line             text             NOT NULL DEFAULT current_setting('claimwatch.line'),
    file_id          bigint           NOT NULL DEFAULT current_setting('claimwatch.file_id')::bigint,
    model_version    text             NOT NULL DEFAULT current_setting('claimwatch.model_version'),
    role             text             NOT NULL DEFAULT current_setting('claimwatch.role')
                     CHECK (role IN ('champion', 'challenger')),
    probability      double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    percentile       double precision NOT NULL CHECK (percentile BETWEEN 0 AND 100),
    referred         boolean          NOT NULL,
    audit_sample     boolean          NOT NULL,
    reasons          jsonb,
    contract_version text             NOT NULL DEFAULT current_setting('claimwatch.contract_version'),
    code_version     text             NOT NULL DEFAULT current_setting('claimwatch.code_version'),
    threshold        double precision NOT NULL DEFAULT current_setting('claimwatch.threshold')::double precision,
    scored_at        timestamptz      NOT NULL DEFAULT now(),
    PRIMARY KEY (line, claim_id, file_id, model_version, role)
);
COMMENT ON TABLE claimwatch.score IS 'What each model made of each claim of each file, once.';
COMMENT ON COLUMN claimwatch.score.percentile IS 'Of the probability among those of the model''s reference, 0 to 100.';
COMMENT ON COLUMN claimwatch.score.reasons IS 'Of referred claims: what contributed most, the largest first.';
CREATE INDEX score_referred ON claimwatch.score (line, file_id) WHERE referred AND role = 'champion';

CREATE TABLE claimwatch.scored_chunk (
    file_id       bigint      NOT NULL REFERENCES claimwatch.file ON DELETE CASCADE,
    number        integer     NOT NULL,
    model_version text        NOT NULL,
    role          text        NOT NULL CHECK (role IN ('champion', 'challenger')),
    claims        bigint      NOT NULL,
    referred      bigint      NOT NULL,
    audit_sample  bigint      NOT NULL,
    missing       jsonb       NOT NULL DEFAULT '{}',
    unseen        jsonb       NOT NULL DEFAULT '{}',
    scored_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, number, model_version, role)
);
COMMENT ON TABLE claimwatch.scored_chunk IS 'Chunks that a model has scored; written in the transaction that writes the scores.';
COMMENT ON COLUMN claimwatch.scored_chunk.missing IS 'How many claims had no value, by feature.';
COMMENT ON COLUMN claimwatch.scored_chunk.unseen IS 'How many claims had a value that the model has not learnt, by feature.';

CREATE VIEW claimwatch.unscored_file AS
SELECT f.line, f.file_id, f.received_at, f.rows_loaded AS claims
FROM claimwatch.file AS f
WHERE f.dataset = 'claims' AND f.status = 'committed'
  AND f.chunks > (SELECT count(DISTINCT s.number) FROM claimwatch.scored_chunk AS s
                  WHERE s.file_id = f.file_id AND s.role = 'champion');
COMMENT ON VIEW claimwatch.unscored_file IS 'Committed files of claims that no champion has scored, or not to their end.';

CREATE TABLE claimwatch.without_model (
    line    text        PRIMARY KEY,
    told_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE claimwatch.without_model IS 'Lines whose claims wait for a champion, and people have been told so.';
