-- Evaluation: what the claims of each week looked like, what every check of a week found, and how the week was closed.

ALTER TABLE claimwatch.scored_chunk
    ADD COLUMN seconds    double precision,
    ADD COLUMN cold_start boolean,
    ADD COLUMN memory_mb  integer;
COMMENT ON COLUMN claimwatch.scored_chunk.seconds IS 'What reading, scoring and writing the chunk took.';
COMMENT ON COLUMN claimwatch.scored_chunk.cold_start IS 'Whether the process that scored it began with it.';

CREATE TABLE claimwatch.profile (
    line          text    NOT NULL,
    model_version text    NOT NULL,
    week          date    NOT NULL CHECK (extract(isodow FROM week) = 1),
    file_id       bigint  NOT NULL REFERENCES claimwatch.file ON DELETE CASCADE,
    number        integer NOT NULL,
    claims        bigint  NOT NULL CHECK (claims > 0),
    counts        bytea   NOT NULL,
    PRIMARY KEY (line, week, model_version, file_id, number)
);
-- It is packed already, and read by the thousand.
ALTER TABLE claimwatch.profile ALTER COLUMN counts SET STORAGE EXTERNAL;
COMMENT ON TABLE claimwatch.profile IS
    'Counts of the features and the score of a chunk''s claims of one week, in the bins of the model''s reference.';
COMMENT ON COLUMN claimwatch.profile.week IS 'The Monday of the ISO week in which the claims were made.';
CREATE INDEX profile_by_file ON claimwatch.profile (file_id);

CREATE TABLE claimwatch.evaluation_window (
    line          text        NOT NULL,
    window_start  timestamptz NOT NULL,
    window_end    timestamptz NOT NULL,
    model_version text        NOT NULL,
    challenger    text,
    status        text        NOT NULL DEFAULT 'planned' CHECK (status IN ('planned', 'closed', 'incomplete')),
    report_uri    text,
    claims        bigint,
    missing       jsonb       NOT NULL DEFAULT '{}',
    planned_at    timestamptz NOT NULL DEFAULT now(),
    closed_at     timestamptz,
    told_at       timestamptz,
    advised_at    timestamptz,
    PRIMARY KEY (line, window_start, model_version),
    CHECK (window_start < window_end),
    CHECK ((status = 'planned') = (closed_at IS NULL)),
    CHECK ((status = 'incomplete') = (missing <> '{}'))
);
COMMENT ON TABLE claimwatch.evaluation_window IS 'One row for each week that is, or was, checked, and the model that was champion then.';
COMMENT ON COLUMN claimwatch.evaluation_window.missing IS 'Checks without a result, each with the reason.';
COMMENT ON COLUMN claimwatch.evaluation_window.told_at IS 'When people were told, or it was found that there is nothing to tell.';
COMMENT ON COLUMN claimwatch.evaluation_window.advised_at IS 'When retraining was advised, if it was.';

CREATE TABLE claimwatch.evaluation (
    line          text             NOT NULL,
    window_start  timestamptz      NOT NULL,
    window_end    timestamptz      NOT NULL,
    model_version text             NOT NULL,
    check_name    text             NOT NULL,
    metric        text             NOT NULL,
    feature       text             NOT NULL DEFAULT '',
    segment       text             NOT NULL DEFAULT '',
    n             bigint           NOT NULL,
    value         double precision,
    low           double precision,
    high          double precision,
    threshold     double precision,
    verdict       text             NOT NULL CHECK (verdict IN ('ok', 'watch', 'alarm', 'not enough data')),
    position      integer          NOT NULL,
    PRIMARY KEY (line, window_start, model_version, check_name, metric, feature, segment)
);
COMMENT ON TABLE claimwatch.evaluation IS 'What the checks of a week found; empty where a row is about no feature or no segment.';
COMMENT ON COLUMN claimwatch.evaluation.position IS 'The place among the rows of its check.';

CREATE TABLE claimwatch.evaluation_check (
    line          text        NOT NULL,
    window_start  timestamptz NOT NULL,
    model_version text        NOT NULL,
    check_name    text        NOT NULL,
    status        text        NOT NULL CHECK (status IN ('done', 'failed')),
    error         text,
    seconds       double precision,
    ended_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (line, window_start, model_version, check_name),
    FOREIGN KEY (line, window_start, model_version) REFERENCES claimwatch.evaluation_window,
    CHECK ((status = 'failed') = (error IS NOT NULL))
);
COMMENT ON TABLE claimwatch.evaluation_check IS
    'Checks that have ended; a done one is marked in the transaction that writes what it found.';
