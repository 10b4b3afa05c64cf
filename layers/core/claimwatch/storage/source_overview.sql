-- What was pulled from each source, for people; the steps that pull have queries of their own.

-- name: list_sources
-- The running sources, with their last window, what all windows brought, and a newer file that was refused.
SELECT s.source, s.kind, s.line, s.text, s.paused, s.applied_at, s.looked_at, s.rows_at, s.failing_since, s.error,
       s.lease_until > clock_timestamp() AS pulling,
       last.number AS window, last.rows_pulled AS window_rows, last.committed_at AS window_at,
       coalesce(pulled.rows, 0)::bigint AS rows, coalesce(pulled.objects, 0) AS objects,
       gone.deletions, refused.error AS refused
FROM claimwatch.source AS s
LEFT JOIN LATERAL (
    SELECT w.number, w.rows_pulled, w.committed_at
    FROM claimwatch.source_window AS w
    WHERE w.source = s.source AND w.committed_at IS NOT NULL
    ORDER BY w.number DESC
    LIMIT 1
) AS last ON true
LEFT JOIN LATERAL (
    SELECT sum(w.rows_pulled) AS rows, count(w.version_id) AS objects
    FROM claimwatch.source_window AS w
    WHERE w.source = s.source AND w.committed_at IS NOT NULL
) AS pulled ON true
LEFT JOIN LATERAL (
    SELECT count(*) AS deletions FROM claimwatch.source_deletion AS d WHERE d.source = s.source
) AS gone ON true
LEFT JOIN LATERAL (
    SELECT v.error
    FROM claimwatch.source_version AS v
    WHERE v.source = s.source AND v.status = 'refused' AND v.received_at > s.received_at
    ORDER BY v.received_at DESC
    LIMIT 1
) AS refused ON true
WHERE NOT s.removed AND (%(source)s::text IS NULL OR s.source = %(source)s)
ORDER BY s.source;

-- name: list_windows
-- The last windows of a source, each with its object and what the ledger says about it.
SELECT w.number, w.cycle_number AS cycle, w.planned_at, w.extracted_at, w.committed_at, w.attempts, w.rows_read,
       w.rows_pulled, w.object_bytes, w.seconds, w.path, w.object_key, w.version_id, w.sha256,
       f.file_id, CASE WHEN w.refusal IS NULL THEN f.status ELSE 'refused' END AS status, f.rows_loaded,
       f.rows_quarantined, coalesce(w.refusal, f.error) AS error
FROM claimwatch.source_window AS w
LEFT JOIN claimwatch.file AS f
    ON f.bucket = %(bucket)s AND f.key = w.object_key AND f.version_id = w.version_id
WHERE w.source = %(source)s
ORDER BY w.number DESC
LIMIT %(limit)s;

-- name: find_version
-- What became of a version of a source's file; no row before it is applied or refused.
SELECT status, error
FROM claimwatch.source_version
WHERE bucket = %(bucket)s AND key = %(key)s AND version_id = %(version_id)s;

-- name: is_running
SELECT EXISTS (SELECT FROM claimwatch.source WHERE source = %(source)s AND NOT removed);
