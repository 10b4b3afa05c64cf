-- Decisions become outcomes. Each is published once: a row says in which file it is, and no later one changes that.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'claimwatch_decisions') THEN
        CREATE ROLE claimwatch_decisions NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- the migration of another database of this server has just created it
END
$$;
COMMENT ON ROLE claimwatch_decisions IS 'Publishes decisions as files of outcomes.';
GRANT USAGE ON SCHEMA claimwatch TO claimwatch_decisions;

CREATE TABLE claimwatch.decision_publication (
    decision_id uuid        PRIMARY KEY REFERENCES claimwatch.decision,
    line        text        NOT NULL,
    number      bigint      NOT NULL,
    first       bigint      NOT NULL CHECK (first > 0),
    last        bigint      NOT NULL,
    source      text        NOT NULL CHECK (source IN ('referral', 'random_audit')),
    fixed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    stored_at   timestamptz,
    UNIQUE (line, number),
    CHECK (number BETWEEN first AND last)
);
COMMENT ON TABLE claimwatch.decision_publication IS
    'Decisions that are published, or about to be. The numbers of a line have no gaps.';
COMMENT ON COLUMN claimwatch.decision_publication.first IS
    'The file outcomes/<line>/decisions/<first>-<last>.ndjson has the decisions with these numbers.';
COMMENT ON COLUMN claimwatch.decision_publication.source IS 'Why the claim was a case when this was fixed.';
COMMENT ON COLUMN claimwatch.decision_publication.stored_at IS 'When the file was found to be stored; null before that.';
CREATE INDEX decision_publication_not_stored ON claimwatch.decision_publication (line, first) WHERE stored_at IS NULL;

CREATE VIEW claimwatch.decision_to_publish AS
SELECT d.decision_id, d.case_id, d.line, d.at, d.at <= clock_timestamp() - interval '16 seconds' AS is_due
FROM claimwatch.decision AS d
WHERE d.final AND d.verdict <> 'inconclusive'
  AND NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id)
  AND NOT EXISTS (SELECT FROM claimwatch.decision_publication AS p WHERE p.decision_id = d.decision_id);
COMMENT ON VIEW claimwatch.decision_to_publish IS
    'Decisions that are not published; due if the 15 seconds are over in which they can be undone.';

CREATE FUNCTION claimwatch.fix_publications(most integer, OUT fixed bigint, OUT waiting bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    cases uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(7010008);
    -- Who undoes a decision locks its case first: a decision whose case is locked may be undone, and has to wait. The
    -- statement after this one sees every undo that was committed before the locks were taken.
    cases := ARRAY(
        SELECT c.case_id FROM claimwatch.review_case AS c
        WHERE c.case_id IN (SELECT t.case_id FROM claimwatch.decision_to_publish AS t
                            WHERE t.is_due ORDER BY t.at, t.decision_id LIMIT most)
        FOR UPDATE SKIP LOCKED);
    WITH numbered AS (
        SELECT t.decision_id, t.line, c.origin,
               coalesce((SELECT max(p.number) FROM claimwatch.decision_publication AS p WHERE p.line = t.line), 0) AS before,
               row_number() OVER (PARTITION BY t.line ORDER BY t.at, t.decision_id) AS place,
               count(*) OVER (PARTITION BY t.line) AS places
        FROM claimwatch.decision_to_publish AS t JOIN claimwatch.review_case AS c USING (case_id)
        WHERE t.is_due AND t.case_id = ANY (cases)
    )
    INSERT INTO claimwatch.decision_publication (decision_id, line, number, first, last, source)
    SELECT decision_id, line, before + place, before + 1, before + places, origin FROM numbered;
    GET DIAGNOSTICS fixed = ROW_COUNT;
    SELECT count(*) INTO waiting FROM claimwatch.decision_to_publish;
END
$$;
COMMENT ON FUNCTION claimwatch.fix_publications IS
    'Fixes the next file of each line, with at most so many decisions together, and returns how many it fixed and how many are left.';
REVOKE EXECUTE ON FUNCTION claimwatch.fix_publications FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claimwatch.fix_publications TO claimwatch_decisions;

CREATE FUNCTION claimwatch.refuse_to_undo_published() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM claimwatch.decision_publication AS p WHERE p.decision_id = NEW.decision_id) THEN
        RAISE EXCEPTION 'the decision is published' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION claimwatch.refuse_to_undo_published IS 'Refuses to undo a decision that is an outcome already.';
REVOKE EXECUTE ON FUNCTION claimwatch.refuse_to_undo_published FROM PUBLIC;
CREATE TRIGGER decision_undo_is_not_too_late BEFORE INSERT ON claimwatch.decision_undo
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_undo_published();

GRANT SELECT (decision_id) ON claimwatch.decision_publication TO claimwatch_api_definer;
GRANT SELECT, UPDATE (stored_at) ON claimwatch.decision_publication TO claimwatch_decisions;
GRANT SELECT (decision_id, claim_id, verdict, by, at) ON claimwatch.decision TO claimwatch_decisions;

-- A claim that was decided at the desk leaves the list of `claimwatch referrals` at once.
GRANT SELECT (line, claim_id, state) ON claimwatch.review_case TO claimwatch_read;
