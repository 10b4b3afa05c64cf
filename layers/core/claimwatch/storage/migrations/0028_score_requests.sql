-- Which scores the API handed out, to whom and for what purpose.

CREATE TABLE claimwatch.score_request (
    request_id       text        NOT NULL CHECK (request_id <> ''),
    position         integer     NOT NULL CHECK (position >= -1),
    requested_at     timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor            text        NOT NULL CHECK (actor <> ''),
    action           text        NOT NULL CHECK (action IN ('score', 'claims.submit')),
    purpose          text,
    line             text,
    landed_key       text,
    claim_id         text,
    claim_hmac       bytea       CHECK (octet_length(claim_hmac) = 32),
    outcome          text        NOT NULL CHECK (outcome IN ('answered', 'refused', 'not_found', 'rejected')),
    problem          text,
    model_version    text,
    model_sha256     text,
    contract_version text,
    code_version     text        NOT NULL,
    threshold        float8,
    probability      float8,
    percentile       float8,
    referred         boolean,
    reasons          jsonb,
    rules            text[],
    PRIMARY KEY (request_id, position),
    -- A score that was handed out is on record with its purpose and with what produced it.
    CHECK (action <> 'score' OR outcome <> 'answered' OR (purpose, line, claim_id, claim_hmac, model_version,
           model_sha256, contract_version, threshold, probability, percentile, referred, reasons) IS NOT NULL)
);
COMMENT ON TABLE claimwatch.score_request IS
    'Requests to the API: a row for each claim that was scored or rejected. Grows by about 1 kB for each claim scored. Rows are added and never changed.';
COMMENT ON COLUMN claimwatch.score_request.position IS
    'The place of the claim in the request, from 0; -1 is the request itself, if it was refused or sent a file of claims.';
COMMENT ON COLUMN claimwatch.score_request.actor IS 'The verified identity of the caller: an ARN.';
COMMENT ON COLUMN claimwatch.score_request.landed_key IS 'The key of the file of claims that the request sent.';
COMMENT ON COLUMN claimwatch.score_request.claim_hmac IS
    'HMAC-SHA-256 of the JSON of the claim with sorted keys, with the key in audit_key: proves which claim was scored.';
COMMENT ON COLUMN claimwatch.score_request.problem IS 'Why the request was refused: the code of the answer.';
COMMENT ON COLUMN claimwatch.score_request.reasons IS 'The reasons of the answer, as in claimwatch.score.';
COMMENT ON COLUMN claimwatch.score_request.rules IS 'The rules that a rejected claim breaks, each with its column.';

CREATE TRIGGER score_request_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.score_request
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER score_request_is_not_emptied BEFORE TRUNCATE ON claimwatch.score_request
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();

-- What a statement returns, it must be allowed to read.
GRANT SELECT (request_id, position, claim_id, outcome) ON claimwatch.score_request TO claimwatch_record;
GRANT INSERT (request_id, position, requested_at, actor, action, purpose, line, landed_key, claim_id, claim_hmac, outcome,
              problem, model_version, model_sha256, contract_version, code_version, threshold, probability, percentile,
              referred, reasons, rules)
    ON claimwatch.score_request TO claimwatch_record;
