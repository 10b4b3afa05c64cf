-- Requests to the API that scored claims or sent some, and the access event of each.

-- name: add
-- Stores the claims of a record that are not stored yet, and one access event for each claim stored, except for a what-if:
-- its event was written before the person saw anything. A request without scores is stored with position -1.
WITH entry AS (
    SELECT * FROM jsonb_to_recordset(%(claims)s) AS claim (
        position integer, claim_id text, claim_hmac text, probability float8, percentile float8, referred boolean,
        reasons jsonb, rules text[]
    )
    UNION ALL
    SELECT -1, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE jsonb_array_length(%(claims)s) = 0
), added AS (
    INSERT INTO claimwatch.score_request (
        request_id, position, requested_at, actor, action, purpose, line, landed_key, claim_id, claim_hmac, outcome, problem,
        model_version, model_sha256, contract_version, code_version, threshold, probability, percentile, referred,
        reasons, rules
    )
    SELECT %(request_id)s, e.position, %(at)s, %(actor)s, %(action)s, %(purpose)s, %(line)s, %(landed_key)s, e.claim_id,
           decode(e.claim_hmac, 'hex'),
           CASE WHEN %(problem)s = 'not_found' THEN 'not_found'
                WHEN e.rules IS NOT NULL THEN 'rejected'
                ELSE %(outcome)s END,
           %(problem)s, %(model_version)s, %(model_sha256)s, %(contract_version)s, %(code_version)s, %(threshold)s,
           e.probability, e.percentile, e.referred, e.reasons, e.rules
    FROM entry AS e
    ORDER BY e.position
    ON CONFLICT (request_id, position) DO NOTHING
    RETURNING position, claim_id, outcome
), recorded AS (
    INSERT INTO claimwatch.access_event (at, actor, via, action, line, object, purpose, reason, request_id, outcome,
                                         model_version)
    SELECT %(at)s, %(actor)s, 'v1', %(action)s, %(line)s, coalesce(a.claim_id, %(landed_key)s), %(purpose)s, %(problem)s,
           %(request_id)s, a.outcome, CASE WHEN a.outcome = 'answered' THEN %(model_version)s END
    FROM added AS a
    WHERE %(action)s <> 'what_if'
    ORDER BY a.position
)
SELECT count(*) FROM added;
