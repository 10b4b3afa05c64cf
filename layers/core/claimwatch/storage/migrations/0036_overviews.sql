-- What leads, data scientists and auditors see.

-- ── Similar claims: what was decided on claims with the same main reasons ────────────────────────────────────────────

-- Counting them from scores and outcomes would read both for every claim with these reasons, for each case on a screen.
CREATE TABLE claimwatch.decided_claim (
    line       text        NOT NULL,
    claim_id   text        COLLATE "C" NOT NULL,
    reasons    text[]      COLLATE "C" NOT NULL CHECK (cardinality(reasons) BETWEEN 1 AND 2),
    is_fraud   boolean     NOT NULL,
    decided_at timestamptz NOT NULL,
    PRIMARY KEY (line, claim_id)
);
COMMENT ON TABLE claimwatch.decided_claim IS
    'Decided claims that were referred: what was decided, and the features of the two strongest reasons of the newest referral. Derived from scores, outcomes and decisions by note_decided.';
COMMENT ON COLUMN claimwatch.decided_claim.reasons IS 'In alphabetical order, so that claims with the same two are equal.';
CREATE INDEX decided_claim_by_reasons ON claimwatch.decided_claim (line, reasons, decided_at DESC, claim_id)
    INCLUDE (is_fraud);

CREATE FUNCTION claimwatch.main_reasons(features text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(f.feature ORDER BY f.feature COLLATE "C") FROM unnest(features[1:2]) AS f (feature);
$$;
COMMENT ON FUNCTION claimwatch.main_reasons IS
    'Returns the two strongest features of a list in alphabetical order; null if it is empty.';

CREATE FUNCTION claimwatch.features_of(reasons jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT array_agg(r.reason ->> 'feature' ORDER BY r.place)
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(reasons) = 'array' THEN reasons ELSE '[]' END)
         WITH ORDINALITY AS r (reason, place)
    WHERE r.reason ->> 'feature' <> '';
$$;
COMMENT ON FUNCTION claimwatch.features_of IS 'Returns the features of stored reasons, the strongest first; null without any.';

CREATE FUNCTION claimwatch.note_decided(of_line text, claim_ids text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A score and an outcome of one claim may be stored at the same time, and neither transaction sees the other one.
    PERFORM pg_advisory_xact_lock(7010009, hashtext(of_line));
    WITH wanted AS (
        SELECT w.claim_id, o.is_fraud, o.decided_at, s.reasons
        FROM (SELECT DISTINCT i.claim_id COLLATE "C" AS claim_id FROM unnest(claim_ids) AS i (claim_id)) AS w
        -- A label that says "no fraud" before a decision is due decides nothing, as in work_list (storage/scores.sql).
        LEFT JOIN LATERAL (
            SELECT c.is_fraud, c.decided_at FROM claimwatch.current_outcome AS c
            WHERE c.line = of_line AND c.claim_id = w.claim_id
              AND NOT (c.from_label AND NOT c.is_fraud AND c.effective_at < c.decided_at)
        ) AS o ON true
        LEFT JOIN LATERAL (
            SELECT claimwatch.main_reasons(claimwatch.features_of(n.reasons)) AS reasons
            FROM claimwatch.score AS n JOIN claimwatch.file AS f ON f.file_id = n.file_id
            WHERE o.is_fraud IS NOT NULL AND n.line = of_line AND n.claim_id = w.claim_id AND n.role = 'champion'
              AND n.referred
            ORDER BY f.received_at DESC, f.sequencer COLLATE "C" DESC, f.file_id DESC, n.scored_at DESC
            LIMIT 1
        ) AS s ON true
    ), forgotten AS (
        DELETE FROM claimwatch.decided_claim AS d USING wanted AS w
        WHERE d.line = of_line AND d.claim_id = w.claim_id AND (w.is_fraud IS NULL OR w.reasons IS NULL)
    )
    INSERT INTO claimwatch.decided_claim AS d (line, claim_id, reasons, is_fraud, decided_at)
    SELECT of_line, w.claim_id, w.reasons, w.is_fraud, w.decided_at FROM wanted AS w
    WHERE w.is_fraud IS NOT NULL AND w.reasons IS NOT NULL
    ON CONFLICT (line, claim_id) DO UPDATE
    SET reasons = excluded.reasons, is_fraud = excluded.is_fraud, decided_at = excluded.decided_at
    WHERE (d.reasons, d.is_fraud, d.decided_at) IS DISTINCT FROM (excluded.reasons, excluded.is_fraud, excluded.decided_at);
END
$$;
COMMENT ON FUNCTION claimwatch.note_decided IS
    'Stores what was decided on claims of a line, and their main reasons, for similar_decided; forgets claims that are not decided any more. May be repeated.';

CREATE FUNCTION claimwatch.note_outcomes(file bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_line text := (SELECT f.line FROM claimwatch.file AS f WHERE f.file_id = file);
BEGIN
    PERFORM claimwatch.note_decided(of_line, array_agg(DISTINCT s.claim_id))
    FROM claimwatch.score AS s
    WHERE s.line = of_line AND s.role = 'champion' AND s.referred
      AND s.claim_id IN (SELECT o.claim_id FROM claimwatch.outcome AS o WHERE o.file_id = file)
    HAVING count(*) > 0;
END
$$;
COMMENT ON FUNCTION claimwatch.note_outcomes IS 'Does so for the claims that a file has outcomes of.';

CREATE FUNCTION claimwatch.wilson(hits bigint, of_all bigint, OUT low double precision, OUT high double precision)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN hits = 0 THEN 0.0 ELSE greatest(w.middle - w.half, 0.0) END,
           CASE WHEN hits = of_all THEN 1.0 ELSE w.middle + w.half END
    FROM (SELECT (s.share + s.zz / (2.0 * s.n)) / (1.0 + s.zz / s.n) AS middle,
                 s.z * sqrt(s.share * (1.0 - s.share) / s.n + s.zz / (4.0 * s.n ^ 2)) / (1.0 + s.zz / s.n) AS half
          FROM (SELECT hits::double precision / of_all AS share, of_all::double precision AS n,
                       1.959963984540054::double precision AS z, 1.959963984540054::double precision ^ 2 AS zz) AS s
         ) AS w
    WHERE of_all > 0;
$$;
COMMENT ON FUNCTION claimwatch.wilson IS
    'Returns Wilson''s 95 % interval of a share; nulls without claims. As domain/evaluation/intervals.py; a test compares them.';

CREATE FUNCTION claimwatch.similar_decided(of_line text, features text[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    main    text[] := claimwatch.main_reasons(features);
    decided bigint;
    frauds  bigint;
    share   record;
BEGIN
    IF main IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT count(*), count(*) FILTER (WHERE d.is_fraud) INTO decided, frauds
    FROM claimwatch.decided_claim AS d WHERE d.line = of_line AND d.reasons = main;
    SELECT * INTO share FROM claimwatch.wilson(frauds, decided);
    RETURN jsonb_build_object(
        'reasons', to_jsonb(features[1:2]), 'decided', decided, 'fraud', frauds, 'low', share.low, 'high', share.high,
        'newest', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'line', of_line, 'claim_id', n.claim_id,
                       'verdict', CASE WHEN n.is_fraud THEN 'fraud' ELSE 'not_fraud' END, 'decided_at', n.decided_at)
                       ORDER BY n.decided_at DESC, n.claim_id), '[]')
            FROM (SELECT d.claim_id, d.is_fraud, d.decided_at FROM claimwatch.decided_claim AS d
                  WHERE d.line = of_line AND d.reasons = main
                  ORDER BY d.decided_at DESC, d.claim_id LIMIT 5) AS n));
END
$$;
COMMENT ON FUNCTION claimwatch.similar_decided IS
    'Returns how many decided claims of a line have the same two strongest reasons, how many of them are fraud, with Wilson''s 95 % interval, and the newest five; null without reasons. The features are those of the reasons, the strongest first.';

REVOKE EXECUTE ON FUNCTION claimwatch.main_reasons, claimwatch.features_of, claimwatch.note_decided, claimwatch.note_outcomes,
    claimwatch.wilson, claimwatch.similar_decided FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claimwatch.main_reasons, claimwatch.features_of, claimwatch.wilson, claimwatch.similar_decided
    TO claimwatch_api_definer;
GRANT EXECUTE ON FUNCTION claimwatch.note_outcomes TO claimwatch_ingest;
GRANT EXECUTE ON FUNCTION claimwatch.note_decided TO claimwatch_scoring;
GRANT SELECT ON claimwatch.decided_claim TO claimwatch_api_definer;

DO $$
DECLARE
    of_line   text;
    claim_ids text[];
BEGIN
    FOR of_line IN SELECT DISTINCT c.line FROM claimwatch.contract AS c WHERE c.status = 'applied' LOOP
        SELECT array_agg(DISTINCT s.claim_id) INTO claim_ids FROM claimwatch.score AS s
        WHERE s.line = of_line AND s.referred AND s.role = 'champion';
        PERFORM claimwatch.note_decided(of_line, claim_ids);
    END LOOP;
END
$$;
