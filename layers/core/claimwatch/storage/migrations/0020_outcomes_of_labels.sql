-- Files of claims may carry the label of each claim. When such a file is committed, its labels become outcomes.

CREATE FUNCTION claimwatch.add_outcomes(
    file bigint, claims text, identifier text, label text, decision text, event text, days integer
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    decided text := CASE WHEN decision IS NULL THEN 'NULL' ELSE format('c.%I::timestamptz', decision) END;
    due     text := CASE WHEN event IS NULL THEN 'NULL'
                         ELSE format('c.%I::timestamptz + %L * interval ''1 day''', event, days) END;
BEGIN
    EXECUTE format(
        'INSERT INTO claimwatch.outcome (line, claim_id, is_fraud, decided_at, source, file_id, row_number)
         SELECT f.line, c.%1$I::text, c.%2$I, coalesce(%3$s, %4$s, f.received_at), ''label'', f.file_id, c.row_number
         FROM claimwatch.%5$I AS c JOIN claimwatch.file AS f ON f.file_id = c.file_id
         WHERE c.file_id = %6$L AND c.%2$I IS NOT NULL',
        identifier, label, decided, due, claims, file
    );
END
$$;
COMMENT ON FUNCTION claimwatch.add_outcomes IS
    'Makes outcomes of the labels in a file''s claims; the task that loads files may not read claims itself.';
REVOKE EXECUTE ON FUNCTION claimwatch.add_outcomes FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claimwatch.add_outcomes TO claimwatch_ingest;

-- What an investigation, a court or an audit found counts before the label of a claim, whatever their dates: a claims
-- system often repeats the label that it had before. Of labels the last that arrived counts, as of all values of a claim.
CREATE OR REPLACE VIEW claimwatch.committed_outcome AS
SELECT o.line, o.claim_id, o.is_fraud, o.decided_at, o.decided_by, o.source, o.file_id, o.row_number, o.extra,
       least(o.decided_at, f.received_at) AS effective_at, f.received_at, f.sequencer COLLATE "C" AS sequencer,
       f.dataset = 'claims' AS from_label
FROM claimwatch.outcome AS o JOIN claimwatch.file AS f ON f.file_id = o.file_id
WHERE f.status = 'committed';
COMMENT ON COLUMN claimwatch.committed_outcome.from_label IS 'Whether the outcome is the label in a file of claims.';

CREATE OR REPLACE VIEW claimwatch.current_outcome AS
SELECT DISTINCT ON (line, claim_id)
       line, claim_id, is_fraud, decided_at, decided_by, source, file_id, row_number, extra, effective_at, from_label
FROM claimwatch.committed_outcome
ORDER BY line, claim_id, from_label, CASE WHEN NOT from_label THEN effective_at END DESC,
         received_at DESC, sequencer DESC, file_id DESC, row_number DESC;
COMMENT ON VIEW claimwatch.current_outcome IS
    'One row for each claim with an outcome, of committed files only: the latest decision of a file of outcomes, of equal ones the last that arrived; without one, the label that arrived last.';

-- The command line reports how many outcomes a file brought.
GRANT SELECT ON claimwatch.committed_outcome TO claimwatch_read;
