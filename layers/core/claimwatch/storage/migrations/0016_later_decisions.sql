-- The later decision about a claim counts, not the later arrival: an old note that is delivered late changes nothing.

CREATE VIEW claimwatch.committed_outcome AS
SELECT o.line, o.claim_id, o.is_fraud, o.decided_at, o.decided_by, o.source, o.file_id, o.row_number, o.extra,
       least(o.decided_at, f.received_at) AS effective_at, f.received_at, f.sequencer COLLATE "C" AS sequencer
FROM claimwatch.outcome AS o JOIN claimwatch.file AS f ON f.file_id = o.file_id
WHERE f.status = 'committed';
COMMENT ON VIEW claimwatch.committed_outcome IS 'All outcomes of committed files, with what orders those of a claim.';
COMMENT ON COLUMN claimwatch.committed_outcome.effective_at IS
    'When it was decided, at the latest when its file arrived: a date in the future would win over all later decisions.';

CREATE OR REPLACE VIEW claimwatch.current_outcome AS
SELECT DISTINCT ON (line, claim_id)
       line, claim_id, is_fraud, decided_at, decided_by, source, file_id, row_number, extra, effective_at
FROM claimwatch.committed_outcome
ORDER BY line, claim_id, effective_at DESC, received_at DESC, sequencer DESC, file_id DESC, row_number DESC;
COMMENT ON VIEW claimwatch.current_outcome IS
    'One row for each claim with an outcome: the latest decision, of equal ones the last that arrived; committed files only.';

GRANT SELECT ON claimwatch.committed_outcome TO claimwatch_evaluation;
