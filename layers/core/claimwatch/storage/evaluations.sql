-- Evaluations: checked windows, the findings of their checks, and how they were closed.

-- name: lock_window
-- Locks the windows of a week until the transaction ends.
SELECT pg_advisory_xact_lock(hashtextextended('claimwatch evaluate ' || %(line)s || ' ' || %(start)s, 0));

-- name: lines_with_champion
SELECT line FROM claimwatch.live_model WHERE role = 'champion' ORDER BY line;

-- name: add_window
INSERT INTO claimwatch.evaluation_window (line, window_start, window_end, model_version, challenger)
VALUES (%(line)s, %(start)s, %(end)s, %(model_version)s, %(challenger)s)
ON CONFLICT DO NOTHING;

-- name: find_window
SELECT line, window_start, window_end, model_version, challenger, status, report_uri, claims, missing, closed_at,
       told_at IS NOT NULL, advised_at IS NOT NULL
FROM claimwatch.evaluation_window
WHERE line = %(line)s AND window_start = %(start)s AND model_version = %(model_version)s;

-- name: open_windows
SELECT line, window_start, window_end, model_version, challenger, status, report_uri, claims, missing, closed_at,
       told_at IS NOT NULL, advised_at IS NOT NULL
FROM claimwatch.evaluation_window
WHERE line = %(line)s AND status = 'planned'
ORDER BY window_start, model_version;

-- name: closed_before
-- The closed windows of earlier weeks, the newest first; of each week, the window that was closed last.
SELECT line, window_start, window_end, model_version, challenger, status, report_uri, claims, missing, closed_at,
       told_at IS NOT NULL, advised_at IS NOT NULL
FROM (
    SELECT DISTINCT ON (window_start) * FROM claimwatch.evaluation_window
    WHERE line = %(line)s AND window_start < %(start)s AND status <> 'planned'
    ORDER BY window_start, closed_at DESC
) AS before
ORDER BY window_start DESC
LIMIT %(limit)s;

-- name: is_newest
SELECT NOT EXISTS (
    SELECT FROM claimwatch.evaluation_window
    WHERE line = %(line)s AND window_start > %(start)s AND status <> 'planned'
);

-- name: close_window
-- When an incomplete window becomes complete, its digest is sent again.
UPDATE claimwatch.evaluation_window
SET status = CASE WHEN %(missing)s::jsonb = '{}' THEN 'closed' ELSE 'incomplete' END,
    missing = %(missing)s, report_uri = %(report_uri)s, claims = %(claims)s, closed_at = %(closed_at)s,
    told_at = CASE WHEN %(missing)s::jsonb = '{}' THEN NULL ELSE told_at END
WHERE line = %(line)s AND window_start = %(start)s AND model_version = %(model_version)s;

-- name: reopen_window
UPDATE claimwatch.evaluation_window SET status = 'planned', missing = '{}', closed_at = NULL, told_at = NULL, planned_at = now()
WHERE line = %(line)s AND window_start = %(start)s AND model_version = %(model_version)s AND status = 'incomplete';

-- name: set_notified
UPDATE claimwatch.evaluation_window SET told_at = now()
WHERE line = %(line)s AND window_start = %(start)s AND model_version = %(model_version)s;

-- name: set_advised
UPDATE claimwatch.evaluation_window SET advised_at = now()
WHERE line = %(line)s AND window_start = %(start)s AND model_version = %(model_version)s;

-- name: marks
SELECT check_name, status, error FROM claimwatch.evaluation_check
WHERE line = %(line)s AND window_start = %(start)s AND model_version = %(model_version)s;

-- name: mark
-- A failed check can still succeed; a check that is done stays done.
INSERT INTO claimwatch.evaluation_check (line, window_start, model_version, check_name, status, error, seconds)
VALUES (%(line)s, %(start)s, %(model_version)s, %(check)s, %(status)s, %(error)s, %(seconds)s)
ON CONFLICT (line, window_start, model_version, check_name) DO UPDATE
SET status = excluded.status, error = excluded.error, seconds = excluded.seconds, ended_at = excluded.ended_at
WHERE evaluation_check.status = 'failed';

-- name: forget_failed
DELETE FROM claimwatch.evaluation_check
WHERE line = %(line)s AND window_start = %(start)s AND model_version = %(model_version)s AND status = 'failed';

-- name: add_findings
INSERT INTO claimwatch.evaluation (line, window_start, window_end, model_version, check_name, metric, feature, segment, n,
                                   value, low, high, threshold, verdict, position)
VALUES %s;

-- name: findings
SELECT check_name, metric, value, n, verdict, feature, segment, low, high, threshold
FROM claimwatch.evaluation
WHERE line = %(line)s AND window_start = %(start)s AND model_version = %(model_version)s
ORDER BY check_name, position;

-- name: last_windows
SELECT line, window_start, window_end, model_version, challenger, status, report_uri, claims, missing, closed_at,
       told_at IS NOT NULL, advised_at IS NOT NULL
FROM claimwatch.evaluation_window
WHERE line = %(line)s
ORDER BY window_start DESC, planned_at DESC
LIMIT %(limit)s;

-- name: refresh_statistics
SELECT claimwatch.refresh_statistics(%(line)s);
