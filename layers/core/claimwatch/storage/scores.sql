-- Scores of claims.

-- name: lock_chunk
-- One process at a time scores a chunk, until its transaction ends; a repeated task then finds it scored.
SELECT pg_advisory_xact_lock(hashtextextended('claimwatch score ' || %(file_id)s || ' ' || %(number)s, 0));

-- name: scored_by
SELECT model_version, role FROM claimwatch.scored_chunk WHERE file_id = %(file_id)s AND number = %(number)s;

-- name: audit_key
SELECT key FROM claimwatch.audit_key;

-- name: index_new_rows
-- Every chunk reads the pages that the BRIN index does not cover yet; autovacuum would add them only later.
SELECT claimwatch.index_new_rows(%(line)s);

-- name: set_score_defaults
-- The defaults of the columns of claimwatch.score read these settings (migration 0004), so that COPY transfers only
-- what differs from claim to claim. They end with the transaction.
SELECT set_config('claimwatch.line', %(line)s, true),
       set_config('claimwatch.file_id', %(file_id)s, true),
       set_config('claimwatch.model_version', %(model_version)s, true),
       set_config('claimwatch.role', %(role)s, true),
       set_config('claimwatch.contract_version', %(contract_version)s, true),
       set_config('claimwatch.code_version', %(code_version)s, true),
       set_config('claimwatch.threshold', %(threshold)s, true);

-- name: copy_scores
COPY claimwatch.score (probability, percentile, referred, audit_sample, claim_id, reasons) FROM STDIN (FORMAT binary);

-- name: add_chunk
INSERT INTO claimwatch.scored_chunk (file_id, number, model_version, role, claims, referred, audit_sample, missing,
                                     unseen, seconds, cold_start, memory_mb)
VALUES (%(file_id)s, %(number)s, %(model_version)s, %(role)s, %(claims)s, %(referred)s, %(audit_sample)s, %(missing)s,
        %(unseen)s, %(seconds)s, %(cold_start)s, %(memory_mb)s);

-- name: chunks_to_score
-- Chunks of committed claim files that a live model has not scored; with only_unscored, only chunks that no champion has
-- scored.
SELECT f.file_id, c.number
FROM claimwatch.file AS f CROSS JOIN generate_series(0, f.chunks - 1) AS c (number)
WHERE f.line = %(line)s AND f.dataset = 'claims' AND f.status = 'committed'
  AND (%(since)s::timestamptz IS NULL OR f.received_at >= %(since)s)
  AND (%(file_id)s::bigint IS NULL OR f.file_id = %(file_id)s)
  AND (NOT %(only_unscored)s OR NOT EXISTS (
      SELECT FROM claimwatch.scored_chunk AS s
      WHERE s.file_id = f.file_id AND s.number = c.number AND s.role = 'champion'
  ))
  AND EXISTS (
      SELECT FROM claimwatch.live_model AS m
      WHERE m.line = f.line AND NOT EXISTS (
          SELECT FROM claimwatch.scored_chunk AS s
          WHERE s.file_id = f.file_id AND s.number = c.number AND (s.model_version, s.role) = (m.version, m.role)
      )
  )
ORDER BY f.received_at, f.file_id, c.number
LIMIT %(limit)s;

-- name: received_on
SELECT (received_at AT TIME ZONE 'UTC')::date FROM claimwatch.file WHERE file_id = %(file_id)s;

-- name: add_line_without_model
-- Returns a row the first time and none after that.
INSERT INTO claimwatch.without_model (line) VALUES (%(line)s) ON CONFLICT DO NOTHING RETURNING line;

-- name: delete_line_without_model
DELETE FROM claimwatch.without_model WHERE line = %(line)s;

-- name: count_unscored
SELECT count(*), coalesce(sum(claims), 0)::bigint FROM claimwatch.unscored_file WHERE line = %(line)s;

-- name: work_list
-- The champion's referrals and the random audit, by the newest row of each claim. By day of receipt and by a hash of
-- the claim id, so that the order does not reveal which claims are which; or the most suspicious first. A label that says
-- "no fraud" and arrived before its decision was due decides nothing: systems write it until somebody finds a fraud. A
-- claim that was decided at the investigators' desk is decided before its outcome arrives, and also if that was
-- inconclusive.
SELECT s.claim_id, f.received_at, s.referred, s.audit_sample, s.probability, s.percentile, s.reasons, s.model_version,
       s.file_id, s.scored_at, count(*) OVER () AS waiting
FROM claimwatch.score AS s
JOIN claimwatch.file AS f ON f.file_id = s.file_id
LEFT JOIN claimwatch.current_outcome AS o ON (o.line, o.claim_id) = (s.line, s.claim_id)
WHERE s.line = %(line)s AND s.role = 'champion' AND (s.referred OR s.audit_sample)
  AND (%(since)s::timestamptz IS NULL OR f.received_at >= %(since)s)
  AND (%(decided)s OR o.claim_id IS NULL OR (o.from_label AND NOT o.is_fraud AND o.effective_at < o.decided_at))
  AND (%(decided)s OR NOT EXISTS (SELECT FROM claimwatch.review_case AS c
                                  WHERE (c.line, c.claim_id, c.state) = (s.line, s.claim_id, 'decided')))
  AND NOT EXISTS (
      SELECT FROM claimwatch.score AS n JOIN claimwatch.file AS nf ON nf.file_id = n.file_id
      WHERE n.line = s.line AND n.claim_id = s.claim_id AND n.role = 'champion'
        AND (nf.received_at, nf.sequencer COLLATE "C", nf.file_id, n.scored_at)
          > (f.received_at, f.sequencer COLLATE "C", f.file_id, s.scored_at)
  )
ORDER BY CASE WHEN %(most_suspicious_first)s THEN s.probability END DESC,
         (f.received_at AT TIME ZONE 'UTC')::date, md5(s.claim_id), s.claim_id
LIMIT %(limit)s;
