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
    'Decided claims that were referred: what was decided, and the features of the two strongest reasons of the newest referral. Derived from scores, outcomes and decisions by store_decided.';
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

CREATE FUNCTION claimwatch.store_decided(of_line text, claim_ids text[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Claim ids have the collation "C", which a parameter beside them takes on. An index of lines has another one.
    in_line CONSTANT text COLLATE "default" := of_line;
BEGIN
    WITH wanted AS (
        SELECT w.claim_id, coalesce(o.is_fraud, d.is_fraud) AS is_fraud, coalesce(o.decided_at, d.at) AS decided_at, s.reasons
        FROM (
            -- Hardly any of the claims that were just scored are, or were, decided.
            SELECT DISTINCT i.claim_id COLLATE "C" AS claim_id FROM unnest(claim_ids) AS i (claim_id)
            WHERE (SELECT true FROM claimwatch.outcome AS e WHERE e.line = in_line AND e.claim_id = i.claim_id LIMIT 1)
               OR (SELECT c.state = 'decided' FROM claimwatch.review_case AS c
                   WHERE c.line = in_line AND c.claim_id = i.claim_id)
               OR (SELECT true FROM claimwatch.decided_claim AS d WHERE d.line = in_line AND d.claim_id = i.claim_id)
        ) AS w
        -- A label that says "no fraud" before a decision is due decides nothing, as in work_list (storage/scores.sql).
        LEFT JOIN LATERAL (
            SELECT c.is_fraud, c.decided_at FROM claimwatch.current_outcome AS c
            WHERE c.line = in_line AND c.claim_id = w.claim_id
              AND NOT (c.from_label AND NOT c.is_fraud AND c.effective_at < c.decided_at)
            LIMIT 1 -- so that each claim is looked up; otherwise the outcomes of all claims are read
        ) AS o ON true
        -- A decision becomes an outcome some minutes later.
        LEFT JOIN LATERAL (
            SELECT n.verdict = 'fraud' AS is_fraud, n.at
            FROM claimwatch.review_case AS c JOIN claimwatch.decision AS n ON n.decision_id = c.decision_id
            WHERE c.line = in_line AND c.claim_id = w.claim_id AND c.state = 'decided' AND n.verdict <> 'inconclusive'
        ) AS d ON true
        LEFT JOIN LATERAL (
            SELECT claimwatch.main_reasons(claimwatch.features_of(n.reasons)) AS reasons
            FROM claimwatch.score AS n JOIN claimwatch.file AS f ON f.file_id = n.file_id
            WHERE coalesce(o.is_fraud, d.is_fraud) IS NOT NULL
              AND n.line = in_line AND n.claim_id = w.claim_id AND n.role = 'champion' AND n.referred
            ORDER BY f.received_at DESC, f.sequencer COLLATE "C" DESC, f.file_id DESC, n.scored_at DESC
            LIMIT 1
        ) AS s ON true
    ), forgotten AS (
        DELETE FROM claimwatch.decided_claim AS d USING wanted AS w
        WHERE d.line = in_line AND d.claim_id = w.claim_id AND (w.is_fraud IS NULL OR w.reasons IS NULL)
    )
    INSERT INTO claimwatch.decided_claim AS d (line, claim_id, reasons, is_fraud, decided_at)
    SELECT in_line, w.claim_id, w.reasons, w.is_fraud, w.decided_at FROM wanted AS w
    WHERE w.is_fraud IS NOT NULL AND w.reasons IS NOT NULL
    ON CONFLICT (line, claim_id) DO UPDATE
    SET reasons = excluded.reasons, is_fraud = excluded.is_fraud, decided_at = excluded.decided_at
    WHERE (d.reasons, d.is_fraud, d.decided_at) IS DISTINCT FROM (excluded.reasons, excluded.is_fraud, excluded.decided_at);
END
$$;
COMMENT ON FUNCTION claimwatch.store_decided IS
    'Stores what was decided on claims of a line, and their main reasons, for similar_decided; forgets claims that are not decided any more. May be repeated.';

CREATE FUNCTION claimwatch.note_decided(of_line text, claim_ids text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A score and an outcome of one claim may be stored at the same time, and neither transaction sees the other one. The
    -- lock is that of open_cases and settle_cases (migration 0033): two locks could be taken in either order.
    PERFORM pg_advisory_xact_lock(hashtextextended('claimwatch cases ' || of_line, 0));
    PERFORM claimwatch.store_decided(of_line, claim_ids);
END
$$;
COMMENT ON FUNCTION claimwatch.note_decided IS 'Does so after scores of these claims were stored.';

CREATE FUNCTION claimwatch.note_decision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM claimwatch.store_decided(NEW.line, ARRAY[NEW.claim_id]);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION claimwatch.note_decision IS 'Does so when a case was decided, or a decision was undone.';
CREATE TRIGGER review_case_is_decided AFTER UPDATE OF state ON claimwatch.review_case
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state AND 'decided' IN (OLD.state, NEW.state))
    EXECUTE FUNCTION claimwatch.note_decision();

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
COMMENT ON FUNCTION claimwatch.note_outcomes IS 'Does so for the claims that a committed file has outcomes of.';

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

REVOKE EXECUTE ON FUNCTION claimwatch.main_reasons, claimwatch.features_of, claimwatch.store_decided,
    claimwatch.note_decided, claimwatch.note_decision, claimwatch.note_outcomes, claimwatch.wilson,
    claimwatch.similar_decided FROM PUBLIC;
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

-- ── What the functions of this migration share ───────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.refuse_overview(
    needed text, action text, line text, object text, actor text, groups text[], purpose text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    permitted text[] := claimwatch.lines_permitted(actor, groups, needed);
    granted   boolean := coalesce(line = ANY (permitted) OR '*' = ANY (permitted), false);
    -- Of a line that is not granted, not even its purposes are told.
    allowed   text[] := claimwatch.purposes_of(CASE WHEN granted THEN line END);
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'app'::text, action, line, object, request_id);
    ELSIF permitted = '{}' THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, action, line, object, purpose, request_id);
    ELSIF line IS NULL THEN
        RETURN NULL;
    ELSIF NOT granted THEN
        RETURN claimwatch.not_found('not granted'::text, actor, 'app'::text, action, line, object, purpose, request_id);
    ELSIF NOT EXISTS (SELECT FROM claimwatch.contract AS c WHERE c.line = line AND c.status = 'applied') THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'app'::text, action, line, object, purpose, request_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION claimwatch.refuse_overview IS
    'Returns the answer to a person who names no valid purpose, does not have a permission, or asks for a line that is unknown or not granted, and adds its event; null if nothing is wrong. A null line means a request about no line.';

CREATE FUNCTION claimwatch.proportion(hits bigint, of_all bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object('count', hits, 'of', of_all, 'share', hits::double precision / nullif(of_all, 0),
                              'low', w.low, 'high', w.high)
    FROM (SELECT 1) AS always LEFT JOIN claimwatch.wilson(hits, of_all) AS w ON true;
$$;
COMMENT ON FUNCTION claimwatch.proportion IS 'Returns a share with Wilson''s 95 % interval; nulls of nothing.';

CREATE FUNCTION claimwatch.week_name(moment timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT to_char(moment, 'IYYY"-W"IW');
$$;
COMMENT ON FUNCTION claimwatch.week_name IS 'Returns the ISO week of a time in UTC, such as 2026-W30.';

CREATE FUNCTION claimwatch.last_weeks(weeks integer) RETURNS TABLE (week text, since timestamptz, until timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT to_char(m.monday, 'IYYY"-W"IW'), m.monday, m.monday + interval '7 days'
    FROM generate_series(date_trunc('week', now()) - (last_weeks.weeks - 1) * interval '7 days', date_trunc('week', now()),
                         interval '7 days') AS m (monday);
$$;
COMMENT ON FUNCTION claimwatch.last_weeks IS 'Returns the present ISO week and those before it, the oldest first, in UTC.';

-- A decision that was undone was none; one that its author can still undo is not final yet.
CREATE VIEW claimwatch.standing_decision AS
SELECT d.decision_id, d.case_id, d.line, d.verdict, d.by, d.at, d.second_of, d.seconds,
       d.final AND d.at <= now() - interval '15 seconds' AS final,
       c.origin, c.amount, d.shown IS NOT NULL AS score_shown, c.closed_at
FROM claimwatch.decision AS d JOIN claimwatch.review_case AS c ON c.case_id = d.case_id
WHERE NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id);
COMMENT ON VIEW claimwatch.standing_decision IS 'Decisions that were not undone, with what statistics need of their cases.';

-- ── Lines of a person ────────────────────────────────────────────────────────────────────────────────────────────────

-- As before, but also lines of which the person may see models or the work of the team, and no claims.
CREATE OR REPLACE FUNCTION claimwatch.api_me(actor text, groups text[]) RETURNS claimwatch.api_answer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    held text[] := ARRAY(SELECT p.line FROM claimwatch.effective_permissions(actor, groups) AS p);
BEGIN
    RETURN ROW('answered'::text, jsonb_build_object(
        'actor', actor,
        'groups', to_jsonb(coalesce(groups, '{}')),
        'permissions', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('permission', e.permission, 'lines', e.lines)
                                      ORDER BY e.permission), '[]')
            FROM (SELECT p.permission, jsonb_agg(p.line ORDER BY p.line) AS lines
                  FROM claimwatch.effective_permissions(actor, groups) AS p GROUP BY p.permission) AS e),
        'conflicts', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'permissions', jsonb_build_array(c.one, c.other),
                       'why', format('%s and %s exclude each other, so neither is effective; revoke one of them',
                                     c.one, c.other))), '[]')
            FROM claimwatch.conflicts_held(actor, groups) AS c),
        'separation_of_duties', CASE WHEN claimwatch.duties_are_separated() THEN 'enforced' ELSE 'relaxed' END,
        'lines', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('line', l.line,
                                                         'purposes', to_jsonb(claimwatch.purposes_of(l.line)))
                                      ORDER BY l.line), '[]')
            FROM (SELECT DISTINCT c.line FROM claimwatch.contract AS c
                  WHERE c.status = 'applied' AND (c.line = ANY (held) OR '*' = ANY (held))) AS l),
        'purposes', to_jsonb(claimwatch.default_purposes())
    ));
END
$$;
COMMENT ON FUNCTION claimwatch.api_me IS
    'Returns what a person may do, which granted permissions exclude each other, and the lines for which the person has a permission.';

-- ── Statistics of a person and of a team ─────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.api_statistics(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    refusal claimwatch.api_answer := claimwatch.refuse_overview(
        'case.decide'::text, 'statistics.read'::text, NULL::text, NULL::text, actor, groups, purpose, request_id);
    weeks   CONSTANT integer := 13;
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'statistics.read'::text, NULL::text, NULL::text, purpose, NULL::text,
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, (
        SELECT jsonb_build_object(
            'since', (SELECT min(w.since) FROM claimwatch.last_weeks(weeks) AS w),
            'decided', count(d.verdict),
            'weeks', (
                SELECT jsonb_agg(to_jsonb(n) ORDER BY n.week)
                FROM (SELECT w.week, count(*) FILTER (WHERE s.verdict = 'fraud') AS fraud,
                             count(*) FILTER (WHERE s.verdict = 'not_fraud') AS not_fraud,
                             count(*) FILTER (WHERE s.verdict = 'inconclusive') AS inconclusive
                      FROM claimwatch.last_weeks(weeks) AS w
                      LEFT JOIN claimwatch.standing_decision AS s ON s.by = actor AND s.at >= w.since AND s.at < w.until
                      GROUP BY w.week) AS n),
            'fraud', claimwatch.proportion(count(*) FILTER (WHERE d.verdict = 'fraud'),
                                           count(*) FILTER (WHERE d.verdict IN ('fraud', 'not_fraud'))),
            'median_seconds', percentile_cont(0.5) WITHIN GROUP (ORDER BY d.seconds),
            'agreed', (
                -- Second looks of others at decisions of this person, and of this person at decisions of others.
                SELECT claimwatch.proportion(count(*) FILTER (WHERE one.verdict = two.verdict), count(*))
                FROM claimwatch.standing_decision AS two
                JOIN claimwatch.standing_decision AS one ON one.decision_id = two.second_of
                WHERE actor IN (one.by, two.by) AND two.at >= (SELECT min(w.since) FROM claimwatch.last_weeks(weeks) AS w)))
        FROM claimwatch.standing_decision AS d
        WHERE d.by = actor AND d.at >= (SELECT min(w.since) FROM claimwatch.last_weeks(weeks) AS w)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_statistics IS
    'Returns what a person decided in the last 13 weeks: by week and verdict, the share of fraud, the median time, and how often second looks agreed.';

CREATE FUNCTION claimwatch.api_team(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET work_mem = '32MB' AS $$
#variable_conflict use_variable
DECLARE
    line     text := coalesce(asked ->> 'line', '');
    weeks    integer := CASE WHEN asked ->> 'weeks' ~ '^[0-9]{1,3}$' THEN greatest(1, least((asked ->> 'weeks')::integer, 104))
                             ELSE 13 END;
    refusal  claimwatch.api_answer := claimwatch.refuse_overview(
        'case.assign'::text, 'team.read'::text, line, NULL::text, actor, groups, purpose, request_id);
    since    timestamptz := (SELECT min(w.since) FROM claimwatch.last_weeks(weeks) AS w);
    moment   timestamptz := clock_timestamp();
    -- With fewer decisions, shares and medians of a person say more about chance than about the person.
    enough   CONSTANT integer := 20;
    fast     CONSTANT double precision := 10;
    listed   CONSTANT integer := 500;
    capacity double precision;
    cost     double precision;
    per_week jsonb;
    present  jsonb;
    hits     jsonb;
    people   jsonb;
    held     jsonb;
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    SELECT coalesce((c.compiled -> 'review' ->> 'capacity')::double precision, 0.05),
           (c.compiled -> 'review' ->> 'cost')::double precision
    INTO capacity, cost FROM claimwatch.running_contract(line) AS c;
    -- Decisions are read once for everything that is counted of them, and without what is long.
    WITH standing AS MATERIALIZED (
        SELECT d.by, date_trunc('week', d.at) AS monday, d.verdict, d.final, d.origin, d.amount, d.seconds, d.score_shown,
               d.closed_at
        FROM claimwatch.standing_decision AS d WHERE d.line = line AND d.at >= since
    )
    SELECT (
        SELECT jsonb_agg(jsonb_build_object('week', w.week, 'claims', w.claims, 'capacity', round(w.claims * capacity)::bigint,
                                            'opened', w.opened, 'decided', w.decided, 'due', w.due) ORDER BY w.week)
        FROM (
            SELECT l.week, coalesce(sum(n.claims), 0)::bigint AS claims, coalesce(sum(n.opened), 0)::bigint AS opened,
                   coalesce(sum(n.decided), 0)::bigint AS decided, coalesce(sum(n.due), 0)::bigint AS due
            FROM claimwatch.last_weeks(weeks) AS l
            LEFT JOIN (
                SELECT date_trunc('week', f.received_at) AS monday, sum(f.rows_loaded) AS claims, 0 AS opened, 0 AS decided,
                       0 AS due
                FROM claimwatch.file AS f
                WHERE f.line = line AND f.dataset = 'claims' AND f.status = 'committed' AND f.received_at >= since GROUP BY 1
                UNION ALL
                SELECT date_trunc('week', c.opened_at), 0, count(*), 0, 0 FROM claimwatch.review_case AS c
                WHERE c.line = line AND c.opened_at >= since GROUP BY 1
                UNION ALL
                SELECT d.monday, 0, 0, count(*), 0 FROM standing AS d WHERE d.final GROUP BY 1
                UNION ALL
                SELECT date_trunc('week', c.due_at), 0, 0, 0, count(*) FROM claimwatch.review_case AS c
                WHERE c.line = line AND c.state <> 'withdrawn' AND c.due_at >= since GROUP BY 1
            ) AS n ON n.monday = l.since
            GROUP BY l.week
        ) AS w
    ), (
        SELECT jsonb_build_object(
            'hits_of_referrals', claimwatch.proportion(
                count(*) FILTER (WHERE d.final AND d.origin = 'referral' AND d.verdict = 'fraud'),
                count(*) FILTER (WHERE d.final AND d.origin = 'referral' AND d.verdict IN ('fraud', 'not_fraud'))),
            'hits_of_audit', claimwatch.proportion(
                count(*) FILTER (WHERE d.final AND d.origin = 'random_audit' AND d.verdict = 'fraud'),
                count(*) FILTER (WHERE d.final AND d.origin = 'random_audit' AND d.verdict IN ('fraud', 'not_fraud'))),
            'confirmed_frauds', count(*) FILTER (WHERE d.final AND d.verdict = 'fraud'),
            'confirmed_amount', coalesce(sum(d.amount) FILTER (WHERE d.final AND d.verdict = 'fraud'), 0)::double precision,
            'reviews', count(*), 'review_cost', cost,
            'saved', (coalesce(sum(d.amount) FILTER (WHERE d.final AND d.verdict = 'fraud'), 0) - cost::numeric * count(*)
                     )::double precision)
        FROM standing AS d
    ), (
        -- Of cases that are closed: what two people decide independently of each other stays hidden until both have.
        SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'person', p.by, 'decided', p.decided, 'enough', p.decided >= enough,
                   'follows_score', CASE WHEN p.shown >= enough THEN claimwatch.proportion(p.followed, p.shown) END,
                   'inconclusive', CASE WHEN p.decided >= enough THEN claimwatch.proportion(p.inconclusive, p.decided) END,
                   'fast', CASE WHEN p.timed >= enough THEN claimwatch.proportion(p.fast, p.timed) END,
                   'median_seconds', CASE WHEN p.timed >= enough THEN p.median END) ORDER BY p.by), '[]')
        FROM (
            SELECT d.by, count(*) AS decided, count(*) FILTER (WHERE d.verdict = 'inconclusive') AS inconclusive,
                   count(*) FILTER (WHERE d.origin = 'referral' AND d.score_shown) AS shown,
                   count(*) FILTER (WHERE d.origin = 'referral' AND d.score_shown AND d.verdict = 'fraud') AS followed,
                   count(d.seconds) AS timed, count(*) FILTER (WHERE d.seconds < fast) AS fast,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY d.seconds) AS median
            FROM standing AS d WHERE d.closed_at <= moment - interval '15 seconds'
            GROUP BY d.by
        ) AS p
    )
    INTO per_week, hits, people;
    SELECT jsonb_build_object(
        'open', sum(b.cases), 'overdue', sum(b.overdue), 'due_within_day', sum(b.day), 'due_within_week', sum(b.week),
        'ages', jsonb_agg(jsonb_build_object('from_day', b.from_day, 'to_day', b.to_day, 'cases', b.cases,
                                             'overdue', b.overdue) ORDER BY b.from_day))
    INTO present
    FROM (
        SELECT a.from_day, a.to_day, coalesce(w.cases, 0) AS cases, coalesce(w.overdue, 0) AS overdue,
               coalesce(w.day, 0) AS day, coalesce(w.week, 0) AS week
        FROM (VALUES (4, 0, 3), (3, 3, 7), (2, 7, 14), (1, 14, 30), (0, 30, NULL)) AS a (band, from_day, to_day)
        LEFT JOIN (
            SELECT width_bucket(c.opened_at, ARRAY[moment - interval '30 days', moment - interval '14 days',
                                                   moment - interval '7 days', moment - interval '3 days']) AS band,
                   count(*) AS cases, count(*) FILTER (WHERE c.due_at < moment) AS overdue,
                   count(*) FILTER (WHERE c.due_at >= moment AND c.due_at < moment + interval '1 day') AS day,
                   count(*) FILTER (WHERE c.due_at >= moment AND c.due_at < moment + interval '7 days') AS week
            FROM claimwatch.review_case AS c WHERE c.line = line AND c.closed_at IS NULL
            GROUP BY 1
        ) AS w ON w.band = a.band
    ) AS b;
    SELECT jsonb_build_object('held', count(*), 'cases', coalesce(
               jsonb_agg(to_jsonb(h) - 'place' ORDER BY h.place) FILTER (WHERE h.place <= listed), '[]'))
    INTO held
    FROM (
        SELECT c.case_id, c.claim_id, c.state, c.version, c.due_at,
               CASE WHEN c.lease_until > moment THEN c.holder END AS holder,
               CASE WHEN c.lease_until > moment THEN (
                   SELECT max(e.at) FROM claimwatch.case_event AS e
                   WHERE e.case_id = c.case_id AND e.actor = c.holder AND e.action IN ('next', 'take', 'undo')
               ) END AS since,
               CASE WHEN c.lease_until > moment THEN c.lease_until END AS lease_until, c.assigned_to,
               CASE WHEN c.snoozed_until > moment THEN c.snoozed_until END AS snoozed_until,
               row_number() OVER (ORDER BY c.due_at, c.case_id) AS place
        FROM claimwatch.review_case AS c
        WHERE c.line = line AND c.closed_at IS NULL
          AND (c.lease_until > moment OR c.assigned_to IS NOT NULL OR c.snoozed_until > moment)
    ) AS h;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'team.read'::text, line, NULL::text, purpose, NULL::text, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text,
               jsonb_build_object('line', line, 'since', since, 'weeks', per_week, 'enough', enough, 'people', people)
               || present || hits || held);
END
$$;
COMMENT ON FUNCTION claimwatch.api_team IS
    'Returns the work of a line''s investigators: cases against capacity by week, ages and due dates, hit rates and what they saved, who holds what, and how people decide. Origins are counted of final decisions only.';

-- ── Models ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE claimwatch.promotion_request (
    request_id text        PRIMARY KEY CHECK (request_id ~ '^[ -~]{1,64}$'),
    line       text        NOT NULL,
    action     text        NOT NULL CHECK (action IN ('promote', 'rollback')),
    version    text        NOT NULL CHECK (version ~ '^[A-Za-z0-9._-]{1,64}$'),
    role       text        NOT NULL CHECK (role IN ('champion', 'challenger')),
    why        text        NOT NULL CHECK (btrim(why) <> ''),
    trust      text[]      NOT NULL DEFAULT '{}',
    as_of      date,
    by         text        NOT NULL CHECK (by <> ''),
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (action = 'promote' OR role = 'champion')
);
COMMENT ON TABLE claimwatch.promotion_request IS
    'What people asked for at the desk: PromoteModel reads it and nothing else, so an event can only name a request that a person made. Rows are added and never changed.';
COMMENT ON COLUMN claimwatch.promotion_request.version IS
    'The model to promote; of a rollback, the champion that it takes back, so that it is not repeated by mistake.';
COMMENT ON COLUMN claimwatch.promotion_request.by IS 'The person who signed in, and had the permission at that moment.';
CREATE INDEX promotion_request_by_line ON claimwatch.promotion_request (line, at DESC);

CREATE TABLE claimwatch.promotion_request_end (
    request_id text        PRIMARY KEY REFERENCES claimwatch.promotion_request,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    outcome    text        NOT NULL CHECK (outcome IN ('carried_out', 'unchanged', 'refused')),
    because    text        CHECK (because <> ''),
    CHECK ((outcome = 'refused') = (because IS NOT NULL))
);
COMMENT ON TABLE claimwatch.promotion_request_end IS
    'What became of requests of the desk. Rows are added and never changed.';

CREATE TRIGGER promotion_request_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.promotion_request
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER promotion_request_is_not_emptied BEFORE TRUNCATE ON claimwatch.promotion_request
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER promotion_request_end_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.promotion_request_end
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER promotion_request_end_is_not_emptied BEFORE TRUNCATE ON claimwatch.promotion_request_end
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();

GRANT SELECT ON claimwatch.promotion_request TO claimwatch_promotion;
GRANT SELECT, INSERT (request_id, outcome, because) ON claimwatch.promotion_request_end TO claimwatch_promotion;
GRANT SELECT, INSERT (request_id, line, action, version, role, why, trust, as_of, by)
    ON claimwatch.promotion_request TO claimwatch_api_definer;
GRANT SELECT ON claimwatch.promotion_request_end TO claimwatch_api_definer;
-- People read who promoted, approved and trained what, and why; machines do not (api_models).
GRANT SELECT (promotion_id, request_id, line, version, role, action, at, by, caller, why, as_of, trusted, equal_to)
    ON claimwatch.promotion TO claimwatch_api_definer;
GRANT SELECT (line, version, gate, at, by, why) ON claimwatch.model_exception TO claimwatch_api_definer;
GRANT SELECT (why, asked_by) ON claimwatch.training TO claimwatch_api_definer;
GRANT SELECT (code_version) ON claimwatch.model_version TO claimwatch_api_definer;
GRANT SELECT (line, dataset, rows_loaded) ON claimwatch.file TO claimwatch_api_definer;
GRANT SELECT ON claimwatch.standing_decision TO claimwatch_api_definer;

CREATE FUNCTION claimwatch.promotion_requests(of_line text, most integer) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(n) ORDER BY n.at DESC, n.request_id), '[]')
    FROM (
        SELECT r.request_id, r.at, r.by, r.action, r.version, r.role, r.why, to_jsonb(r.trust) AS trust,
               -- PromoteModel refuses what is older (LONGEST_WAIT in models/desk_requests.py).
               coalesce(e.outcome, CASE WHEN r.at < now() - interval '1 hour' THEN 'expired' ELSE 'asked' END) AS state,
               e.at AS ended_at, e.because
        FROM claimwatch.promotion_request AS r
        LEFT JOIN claimwatch.promotion_request_end AS e ON e.request_id = r.request_id
        WHERE r.line = of_line ORDER BY r.at DESC, r.request_id LIMIT most
    ) AS n;
$$;
COMMENT ON FUNCTION claimwatch.promotion_requests IS
    'Returns the newest requests of the desk to change what is live in a line, with what became of each.';

CREATE FUNCTION claimwatch.api_desk_models(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    line     text := coalesce(asked ->> 'line', '');
    refusal  claimwatch.api_answer := claimwatch.refuse_overview(
        'model.read'::text, 'models.list'::text, line, NULL::text, actor, groups, purpose, request_id);
    newest   CONSTANT integer := 20;
    requests jsonb;
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    requests := claimwatch.promotion_requests(line, newest);
    PERFORM claimwatch.record_access(actor, 'app'::text, 'models.list'::text, line, NULL::text, purpose, NULL::text,
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object(
        'line', line,
        'models', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'version', m.version, 'status', m.status, 'created_at', m.created_at,
                       'contract_version', m.contract_version, 'code_version', m.code_version, 'sha256', m.bundle_sha256, 'uri', m.bundle_uri,
                       'as_of', m.as_of, 'refused_because', m.refused_because, 'failed_gates', to_jsonb(m.failed_gates),
                       'metrics', m.metrics, 'warnings', m.warnings, 'card', m.bundle_uri IS NOT NULL,
                       'roles', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', l.role, 'since', l.since)
                                                           ORDER BY l.role), '[]')
                                 FROM claimwatch.live_model AS l WHERE l.line = m.line AND l.version = m.version),
                       'exceptions', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                                 'gate', e.gate, 'at', e.at, 'by', e.by, 'why', e.why) ORDER BY e.at), '[]')
                                      FROM claimwatch.model_exception AS e
                                      WHERE e.line = m.line AND e.version = m.version))
                       ORDER BY m.created_at DESC, m.version DESC), '[]')
            FROM claimwatch.model_version AS m WHERE m.line = line),
        'trainings', (
            SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.asked_at DESC, t.training_id), '[]')
            FROM (SELECT n.training_id, n.version, n.status, n.asked_at, n.asked_by, n.why, n.ended_at, n.error, n.as_of
                  FROM claimwatch.training AS n WHERE n.line = line
                  ORDER BY n.asked_at DESC, n.training_id LIMIT newest) AS t),
        'contracts', (
            SELECT coalesce(jsonb_agg(to_jsonb(s) - 'contract_id' ORDER BY s.contract_id DESC), '[]')
            FROM (SELECT n.contract_id, n.version, n.status, n.sha256, n.version_id AS object_version, n.received_at, n.error
                  FROM claimwatch.contract AS n WHERE n.line = line
                  ORDER BY n.contract_id DESC LIMIT newest) AS s),
        'promotions', (
            SELECT coalesce(jsonb_agg(to_jsonb(p) - 'promotion_id' ORDER BY p.promotion_id DESC), '[]')
            FROM (SELECT n.promotion_id, n.request_id, n.at, n.action, n.role, n.version, n.by, n.caller, n.why,
                         to_jsonb(n.trusted) AS trusted, n.as_of, n.equal_to
                  FROM claimwatch.promotion AS n WHERE n.line = line
                  ORDER BY n.promotion_id DESC LIMIT 100) AS p),
        'requests', requests,
        'refused', (
            SELECT jsonb_build_object('request_id', r.request_id, 'at', e.at, 'by', r.by, 'version', r.version,
                                      'because', e.because)
            FROM claimwatch.promotion_request AS r JOIN claimwatch.promotion_request_end AS e ON e.request_id = r.request_id
            WHERE r.line = line AND e.outcome = 'refused' ORDER BY e.at DESC LIMIT 1)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_desk_models IS
    'Returns the models of a line with their evidence, roles and exceptions, its newest trainings and contracts, who changed what is live and why, and what became of requests of the desk. For people.';

CREATE FUNCTION claimwatch.api_card(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    line    text := coalesce(asked ->> 'line', '');
    version text := coalesce(asked ->> 'version', '');
    refusal claimwatch.api_answer := claimwatch.refuse_overview(
        'model.read'::text, 'models.card'::text, line, version, actor, groups, purpose, request_id);
    folder  text;
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    SELECT m.bundle_uri INTO folder FROM claimwatch.model_version AS m WHERE m.line = line AND m.version = version;
    IF folder IS NULL THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'app'::text, 'models.card'::text, line, version, purpose,
                                    request_id);
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'models.card'::text, line, version, purpose, NULL::text, request_id,
                                     'answered'::text, version);
    RETURN ROW('answered'::text, jsonb_build_object('line', line, 'version', version, 'uri', folder || 'card.html'));
END
$$;
COMMENT ON FUNCTION claimwatch.api_card IS 'Returns the address of the card of a model, which the API reads. For people.';

CREATE FUNCTION claimwatch.api_request_promotion(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    line    text := coalesce(asked ->> 'line', '');
    version text := asked ->> 'version';
    refusal claimwatch.api_answer := claimwatch.refuse_overview(
        'model.promote'::text, 'model.promote'::text, line, version, actor, groups, purpose, request_id);
    why     text := btrim(asked ->> 'why');
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    BEGIN
        IF coalesce(length(why), 0) NOT BETWEEN 1 AND 2000 OR why ~ '[[:cntrl:]]' THEN
            RAISE check_violation;
        END IF;
        INSERT INTO claimwatch.promotion_request (request_id, line, action, version, role, why, trust, as_of, by)
        VALUES (request_id, line, asked ->> 'action', version, coalesce(asked ->> 'role', 'champion'), why,
                coalesce((SELECT array_agg(t.name ORDER BY t.place)
                          FROM jsonb_array_elements_text(
                              CASE WHEN jsonb_typeof(asked -> 'trust') = 'array' THEN asked -> 'trust' ELSE '[]' END
                          ) WITH ORDINALITY AS t (name, place)), '{}'),
                (asked ->> 'as_of')::date, left(actor, 500));
    EXCEPTION
        WHEN check_violation OR not_null_violation OR data_exception THEN
            RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, 'model.promote'::text, line, version, purpose,
                                     request_id);
        WHEN unique_violation THEN
            RETURN claimwatch.refuse('conflict'::text, actor, 'app'::text, 'model.promote'::text, line, version, purpose,
                                     request_id);
    END;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'model.promote'::text, line, version, purpose, why, request_id,
                                     'answered'::text, version);
    RETURN ROW('answered'::text, jsonb_build_object('request_id', request_id));
END
$$;
COMMENT ON FUNCTION claimwatch.api_request_promotion IS
    'Stores the request of a person to change what is live in a line, which PromoteModel carries out or refuses.';

-- ── Weeks ────────────────────────────────────────────────────────────────────────────────────────────────────────────

GRANT SELECT (line, window_start, window_end, model_version, challenger, status, report_uri, claims, missing, planned_at,
              closed_at, advised_at)
    ON claimwatch.evaluation_window TO claimwatch_api_definer;
GRANT SELECT ON claimwatch.evaluation TO claimwatch_api_definer;

CREATE FUNCTION claimwatch.api_weeks(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    line    text := coalesce(asked ->> 'line', '');
    refusal claimwatch.api_answer := claimwatch.refuse_overview(
        'model.read'::text, 'weeks.list'::text, line, NULL::text, actor, groups, purpose, request_id);
    newest  CONSTANT integer := 26;
    listed  CONSTANT integer := 1000;
    windows jsonb;
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    WITH shown AS MATERIALIZED (
        SELECT claimwatch.week_name(w.window_start) AS week, w.line, w.window_start, w.window_end, w.model_version,
               w.challenger, w.status, w.claims, w.closed_at, w.advised_at, w.report_uri, w.missing, w.planned_at
        FROM claimwatch.evaluation_window AS w
        WHERE w.line = line ORDER BY w.window_start DESC, w.planned_at DESC LIMIT newest
    ), found AS MATERIALIZED (
        SELECT s.week, e.* FROM shown AS s
        JOIN claimwatch.evaluation AS e
          ON (e.line, e.window_start, e.model_version) = (s.line, s.window_start, s.model_version)
    ), drift AS MATERIALIZED (
        SELECT f.* FROM found AS f WHERE f.check_name = 'feature_drift' AND f.feature <> ''
    )
    SELECT jsonb_build_object(
        'windows', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'window', s.week, 'start', s.window_start, 'end', s.window_end, 'model_version', s.model_version,
                       'challenger', s.challenger, 'status', s.status, 'claims', s.claims, 'closed_at', s.closed_at,
                       'advised', s.advised_at IS NOT NULL, 'report', s.report_uri IS NOT NULL, 'missing', s.missing,
                       'checks', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                             'check', c.check_name, 'verdicts', c.verdicts, 'compared', c.compared)), '[]')
                                  FROM (SELECT f.check_name, jsonb_agg(DISTINCT f.verdict) AS verdicts,
                                               bool_or(f.verdict = 'ok' AND f.threshold IS NOT NULL) AS compared
                                        FROM found AS f
                                        WHERE f.window_start = s.window_start AND f.model_version = s.model_version
                                        GROUP BY f.check_name) AS c))
                       ORDER BY s.window_start DESC, s.planned_at DESC), '[]')
            FROM shown AS s),
        'features', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'window', d.week, 'model_version', d.model_version, 'feature', d.feature, 'metric', d.metric,
                       'value', d.value, 'threshold', d.threshold, 'verdicts', d.verdicts)
                       ORDER BY d.window_start DESC, d.feature, d.model_version), '[]')
            FROM (SELECT p.*, (SELECT jsonb_agg(DISTINCT o.verdict) FROM drift AS o
                               WHERE o.window_start = p.window_start AND o.model_version = p.model_version
                                 AND o.feature = p.feature) AS verdicts
                  FROM drift AS p WHERE p.metric = 'psi') AS d),
        'alarms', (
            SELECT coalesce(jsonb_agg(to_jsonb(a) - 'window_start' - 'position'
                                      ORDER BY a.window_start DESC, a.check, a.position), '[]')
            FROM (SELECT f.window_start, f.position, f.week AS "window", f.model_version, f.check_name AS "check", f.metric,
                         f.feature, f.segment, f.value, f.low, f.high, f.threshold, f.n
                  FROM found AS f WHERE f.verdict = 'alarm'
                  ORDER BY f.window_start DESC, f.check_name, f.position LIMIT listed) AS a))
    INTO windows;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'weeks.list'::text, line, NULL::text, purpose, NULL::text, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object('line', line) || windows);
END
$$;
COMMENT ON FUNCTION claimwatch.api_weeks IS
    'Returns the checked weeks of a line: the verdicts of each check, the drift of each feature, and all alarms. For people.';

CREATE FUNCTION claimwatch.api_week_report(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    line    text := coalesce(asked ->> 'line', '');
    week    text := coalesce(asked ->> 'window', '');
    refusal claimwatch.api_answer := claimwatch.refuse_overview(
        'model.read'::text, 'weeks.report'::text, line, week, actor, groups, purpose, request_id);
    report  record;
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    SELECT w.report_uri, w.model_version INTO report FROM claimwatch.evaluation_window AS w
    WHERE w.line = line AND claimwatch.week_name(w.window_start) = week AND w.report_uri IS NOT NULL
    ORDER BY w.planned_at DESC LIMIT 1;
    IF report.report_uri IS NULL THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'app'::text, 'weeks.report'::text, line, week, purpose,
                                    request_id);
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'weeks.report'::text, line, week, purpose, NULL::text, request_id,
                                     'answered'::text, report.model_version);
    RETURN ROW('answered'::text, jsonb_build_object('line', line, 'window', week, 'uri', report.report_uri));
END
$$;
COMMENT ON FUNCTION claimwatch.api_week_report IS
    'Returns the address of the report of a checked week, which the API reads. For people.';

-- ── Seals ────────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE claimwatch.audit_verification (
    request_id  text        PRIMARY KEY,
    verified_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by          text        NOT NULL CHECK (by <> ''),
    intact      boolean     NOT NULL,
    result      jsonb       NOT NULL CHECK (jsonb_typeof(result) = 'object')
);
COMMENT ON TABLE claimwatch.audit_verification IS
    'Verifications of access events that people started at the desk. Rows are added and never changed.';
CREATE INDEX audit_verification_by_time ON claimwatch.audit_verification (verified_at DESC);
CREATE TRIGGER audit_verification_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.audit_verification
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER audit_verification_is_not_emptied BEFORE TRUNCATE ON claimwatch.audit_verification
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();

GRANT SELECT ON claimwatch.audit_seal TO claimwatch_api_definer;
GRANT SELECT, INSERT (request_id, by, intact, result) ON claimwatch.audit_verification TO claimwatch_api_definer;

CREATE FUNCTION claimwatch.api_seals(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    refusal claimwatch.api_answer := claimwatch.refuse_overview(
        'audit.read'::text, 'audit.seals'::text, NULL::text, NULL::text, actor, groups, purpose, request_id);
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'audit.seals'::text, NULL::text, NULL::text, purpose, NULL::text,
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object(
        'seals', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'number', s.number, 'first_seq', s.first_seq, 'last_seq', s.last_seq, 'events', s.events,
                       'root', encode(s.root, 'hex'), 'sha256', encode(s.sha256, 'hex'), 'sealed_at', s.sealed_at,
                       'reason', s.reason, 'replaces', s.replaces) ORDER BY s.number DESC), '[]')
            FROM (SELECT * FROM claimwatch.audit_seal AS n ORDER BY n.number DESC LIMIT 100) AS s),
        -- Seals that continue after a restore: the events of those that they replace are gone.
        'gaps', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'replaces', s.replaces,
                                                         'sealed_at', s.sealed_at) ORDER BY s.number DESC), '[]')
            FROM claimwatch.audit_seal AS s WHERE s.reason = 'restored'),
        'unsealed', (SELECT count(*) FROM claimwatch.access_event AS e
                     WHERE e.seq > (SELECT coalesce(max(s.last_seq), 0) FROM claimwatch.audit_seal AS s)),
        'verification', (SELECT v.result || jsonb_build_object('verified_at', v.verified_at, 'by', v.by)
                         FROM claimwatch.audit_verification AS v ORDER BY v.verified_at DESC LIMIT 1)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_seals IS
    'Returns the newest seals, those that follow a restore, how many events are not sealed yet, and the last verification.';

CREATE FUNCTION claimwatch.api_verification(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    refusal claimwatch.api_answer := claimwatch.refuse_overview(
        'audit.read'::text, 'audit.verification'::text, NULL::text, NULL::text, actor, groups, purpose, request_id);
    seals   bigint := CASE WHEN asked ->> 'seals' ~ '^[0-9]{1,4}$' THEN greatest(1, least((asked ->> 'seals')::bigint, 200))
                           ELSE 100 END;
    -- Events of all seals but the newest, whose events are at most 50,000.
    most    CONSTANT bigint := 20000;
    first   bigint;
    after   bigint;
    known   bigint;
    earlier bigint;
BEGIN
    IF refusal.outcome IS NOT NULL THEN
        RETURN refusal;
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'audit.verification'::text, NULL::text, seals::text, purpose,
                                     NULL::text, request_id, 'answered'::text, NULL::text);
    SELECT max(s.number), max(s.last_seq) INTO known, after FROM claimwatch.audit_seal AS s;
    SELECT min(n.number) INTO first
    FROM (SELECT s.number, row_number() OVER newest AS place, sum(s.events) OVER newest AS together
          FROM claimwatch.audit_seal AS s WHERE s.number > known - seals WINDOW newest AS (ORDER BY s.number DESC)) AS n
    WHERE n.place = 1 OR n.together <= most;
    -- A seal that follows a restore replaces earlier ones, whose numbers of events it has again.
    LOOP
        SELECT min(s.replaces) INTO earlier FROM claimwatch.audit_seal AS s WHERE s.number >= first AND s.replaces < first;
        EXIT WHEN earlier IS NULL;
        first := earlier;
    END LOOP;
    SELECT coalesce(min(s.first_seq), 1) INTO after FROM claimwatch.audit_seal AS s WHERE s.number >= first;
    RETURN ROW('answered'::text, jsonb_build_object(
        'first', first,
        'rows', (SELECT coalesce(jsonb_agg(jsonb_build_array(
                            s.number, s.first_seq, s.last_seq, s.events, encode(s.root, 'hex'), encode(s.previous, 'hex'),
                            encode(s.sha256, 'hex')) ORDER BY s.number), '[]')
                 FROM claimwatch.audit_seal AS s WHERE s.number >= first),
        -- The columns of RawEvent, as in storage/audit_seals.sql.
        'events', (SELECT coalesce(jsonb_agg(jsonb_build_array(
                              e.seq, ('x' || encode(timestamptz_send(e.at), 'hex'))::bit(64)::bigint, e.actor, e.via, e.action,
                              e.line, e.object, e.purpose, e.reason, e.request_id, e.outcome, e.model_version)
                              ORDER BY e.seq), '[]')
                   FROM (SELECT * FROM claimwatch.access_event AS n WHERE n.seq >= after ORDER BY n.seq LIMIT 100000) AS e)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_verification IS
    'Returns the newest seals and the events from the first of them on, which the API compares with the seals in S3.';

CREATE FUNCTION claimwatch.api_note_verification(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    moment timestamptz;
BEGIN
    -- The result of a verification that this person has just been allowed to start, and of no other.
    IF NOT EXISTS (SELECT FROM claimwatch.access_event AS e
                   WHERE e.actor = left(actor, 500) AND e.action = 'audit.verification' AND e.outcome = 'answered'
                     AND e.request_id = left(request_id, 200) AND e.at > now() - interval '5 minutes') THEN
        RETURN ROW('refused'::text, jsonb_build_object('code', 'forbidden'));
    END IF;
    INSERT INTO claimwatch.audit_verification (request_id, by, intact, result)
    VALUES (left(request_id, 200), left(actor, 500), (asked ->> 'intact')::boolean, asked)
    RETURNING verified_at INTO moment;
    RETURN ROW('answered'::text, asked || jsonb_build_object('verified_at', moment, 'by', left(actor, 500)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_note_verification IS
    'Stores the result of a verification. It hands nothing out, so it is no access event.';

-- ── Who may run what ─────────────────────────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE
    item record;
BEGIN
    -- Whoever owns a function needs this right at that moment, and not afterwards.
    GRANT CREATE ON SCHEMA claimwatch TO claimwatch_api_definer;
    FOR item IN
        SELECT p.oid::regprocedure AS signature, starts_with(p.proname::text, 'api_') AS door
        FROM pg_proc AS p
        WHERE p.pronamespace = 'claimwatch'::regnamespace AND p.proname IN (
            'api_statistics', 'api_team', 'api_desk_models', 'api_card', 'api_request_promotion', 'api_weeks',
            'api_week_report', 'api_seals', 'api_verification', 'api_note_verification', 'refuse_overview', 'proportion',
            'week_name', 'last_weeks', 'promotion_requests')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', item.signature);
        IF item.door THEN
            EXECUTE format('ALTER FUNCTION %s OWNER TO claimwatch_api_definer', item.signature);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO claimwatch_api', item.signature);
        ELSE
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO claimwatch_api_definer', item.signature);
        END IF;
    END LOOP;
    REVOKE CREATE ON SCHEMA claimwatch FROM claimwatch_api_definer;
END
$$;
