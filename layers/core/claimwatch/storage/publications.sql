-- Publication of decisions.

-- name: fix
SELECT fixed, waiting FROM claimwatch.fix_publications(%(most)s);

-- name: not_stored
SELECT DISTINCT line, first, last FROM claimwatch.decision_publication WHERE stored_at IS NULL ORDER BY line, first;

-- name: outcomes
-- A name that is longer than the contract of outcomes allows would put the row into quarantine.
SELECT d.claim_id, d.verdict = 'fraud', to_char(d.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), left(d.by, 200),
       p.source
FROM claimwatch.decision_publication AS p JOIN claimwatch.decision AS d USING (decision_id)
WHERE p.line = %(line)s AND p.number BETWEEN %(first)s AND %(last)s
ORDER BY p.number;

-- name: set_stored
UPDATE claimwatch.decision_publication SET stored_at = clock_timestamp()
WHERE line = %(line)s AND number BETWEEN %(first)s AND %(last)s AND stored_at IS NULL;
