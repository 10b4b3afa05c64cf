-- Profiles of the claims of each chunk and week.

-- name: add_profile
-- A model that scores the same claims in both roles has one profile for them.
INSERT INTO claimwatch.profile (line, model_version, week, file_id, number, claims, counts)
VALUES (%(line)s, %(model_version)s, %(week)s, %(file_id)s, %(number)s, %(claims)s, %(counts)s)
ON CONFLICT DO NOTHING;

-- name: profiles_of_week
SELECT counts FROM claimwatch.profile
WHERE line = %(line)s AND week = %(week)s AND model_version = %(model_version)s;

-- name: rows_of_week
-- Rows, and the files that have them; the rows include those that newer rows replace.
SELECT coalesce(sum(claims), 0)::bigint, coalesce(array_agg(DISTINCT file_id), '{}') FROM claimwatch.profile
WHERE line = %(line)s AND week = %(week)s AND model_version = %(model_version)s;

-- name: profiled_files
-- Files with profiles of claims of these weeks.
SELECT DISTINCT file_id FROM claimwatch.profile WHERE line = %(line)s AND week BETWEEN %(first)s AND %(last)s;

-- name: files_of_weeks
-- Files with claims of these weeks, and files that were scored before profiles existed.
SELECT file_id FROM claimwatch.profile WHERE line = %(line)s AND week BETWEEN %(first)s AND %(last)s
UNION
SELECT s.file_id FROM claimwatch.scored_chunk AS s JOIN claimwatch.file AS f ON f.file_id = s.file_id
WHERE f.line = %(line)s AND NOT EXISTS (
    SELECT FROM claimwatch.profile AS p
    WHERE (p.file_id, p.number, p.model_version) = (s.file_id, s.number, s.model_version)
);

-- name: chunks_of_week
SELECT s.claims, s.seconds, s.cold_start
FROM claimwatch.scored_chunk AS s
WHERE s.seconds IS NOT NULL AND s.model_version = %(model_version)s AND EXISTS (
    SELECT FROM claimwatch.profile AS p
    WHERE p.line = %(line)s AND p.week = %(week)s
      AND (p.model_version, p.file_id, p.number) = (s.model_version, s.file_id, s.number)
);

-- name: intake
-- The intake of each week, the oldest first. A file belongs to the week of most of its rows; rows that are dated after its
-- arrival do not count, and a file without others belongs to the week in which it arrived. Rows that newer rows replace are
-- not claims of the week: they are subtracted. A claim of the week is late if it arrived in a file of a later week.
WITH replaced AS (
    SELECT * FROM unnest(%(replaced_files)s::bigint[], %(replaced_weeks)s::date[], %(replaced_rows)s::bigint[])
        AS r (file_id, week, number)
), counted AS (
    SELECT e.file_id, e.week, sum(e.claims) AS rows,
           sum(e.claims) - coalesce((SELECT r.number FROM replaced AS r WHERE (r.file_id, r.week) = (e.file_id, e.week)), 0)
               AS claims
    FROM (
        SELECT DISTINCT ON (file_id, number, week) file_id, week, claims FROM claimwatch.profile
        WHERE line = %(line)s AND file_id IN (
            SELECT file_id FROM claimwatch.profile WHERE line = %(line)s AND week BETWEEN %(first)s AND %(last)s
        )
    ) AS e
    GROUP BY e.file_id, e.week
), belonging AS (
    SELECT f.file_id, f.rows_read, f.rows_quarantined,
           coalesce(
               (SELECT c.week FROM counted AS c WHERE c.file_id = f.file_id AND c.week <= f.received_at AT TIME ZONE 'UTC'
                ORDER BY c.rows DESC, c.week DESC LIMIT 1),
               date_trunc('week', f.received_at AT TIME ZONE 'UTC')::date
           ) AS week
    FROM claimwatch.file AS f
    WHERE f.line = %(line)s AND f.dataset = 'claims' AND f.status = 'committed'
      AND (f.file_id IN (SELECT file_id FROM counted)
           OR (f.received_at >= %(first)s AND f.received_at < %(last)s::date + 7
               AND (f.rows_loaded = 0 OR EXISTS (SELECT FROM claimwatch.profile AS p WHERE p.file_id = f.file_id))
               AND NOT EXISTS (SELECT FROM claimwatch.profile AS p
                               WHERE p.file_id = f.file_id AND p.week <= f.received_at AT TIME ZONE 'UTC')))
), rules AS (
    SELECT b.week, r.rule, count(*) AS number
    FROM belonging AS b JOIN claimwatch.quarantine AS q ON q.file_id = b.file_id
    CROSS JOIN LATERAL (SELECT DISTINCT jsonb_array_elements(q.reasons) ->> 'rule' AS rule) AS r
    WHERE b.week BETWEEN %(first)s AND %(last)s
    GROUP BY b.week, r.rule
)
SELECT w.week::date,
       count(b.file_id), coalesce(sum(b.rows_read), 0)::bigint, coalesce(sum(b.rows_quarantined), 0)::bigint,
       coalesce((SELECT jsonb_object_agg(r.rule, r.number) FROM rules AS r WHERE r.week = w.week), '{}'),
       coalesce(array_agg(b.file_id) FILTER (WHERE b.file_id IS NOT NULL), '{}'),
       coalesce((SELECT sum(c.claims) FROM counted AS c JOIN belonging AS l ON l.file_id = c.file_id
                 WHERE c.week = w.week AND l.week > c.week), 0)::bigint,
       coalesce((SELECT sum(c.claims) FROM counted AS c WHERE c.week = w.week), 0)::bigint
FROM generate_series(%(first)s::date, %(last)s::date, interval '7 days') AS w (week)
LEFT JOIN belonging AS b ON b.week = w.week
GROUP BY w.week
ORDER BY w.week;

-- name: files_between
-- The line's files that arrived in a period, and those that failed.
SELECT count(*), count(*) FILTER (WHERE status = 'failed')
FROM claimwatch.file WHERE line = %(line)s AND received_at >= %(since)s AND received_at < %(until)s;
