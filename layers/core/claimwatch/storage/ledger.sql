-- name: register_file
-- One row per object version; repeated events find the existing row.
INSERT INTO claimwatch.file (dataset, line, bucket, key, version_id, sequencer, size_bytes, received_at, status, error,
                             side_file)
VALUES (%(dataset)s, %(line)s, %(bucket)s, %(key)s, %(version_id)s, %(sequencer)s, %(size_bytes)s, %(received_at)s,
        %(status)s, %(error)s, %(side_file)s)
ON CONFLICT (bucket, key, version_id) DO NOTHING;

-- name: find_file
SELECT file_id, dataset, line, bucket, key, version_id, status, attempt, contract_version, chunks, error,
       notified_at IS NOT NULL, details
FROM claimwatch.file
WHERE bucket = %(bucket)s AND key = %(key)s AND version_id = %(version_id)s;

-- name: get_file
SELECT file_id, dataset, line, bucket, key, version_id, status, attempt, contract_version, chunks, error,
       notified_at IS NOT NULL, details
FROM claimwatch.file
WHERE file_id = %(file_id)s;

-- name: lock_file
-- Locks the file, to change its state.
SELECT file_id, dataset, line, bucket, key, version_id, status, attempt, contract_version, chunks, error,
       notified_at IS NOT NULL, details
FROM claimwatch.file
WHERE file_id = %(file_id)s
FOR NO KEY UPDATE;

-- name: share_file
-- Locks the file's state, to add rows; other transactions may add rows too.
SELECT file_id, dataset, line, bucket, key, version_id, status, attempt, contract_version, chunks, error,
       notified_at IS NOT NULL, details
FROM claimwatch.file
WHERE file_id = %(file_id)s
FOR SHARE;

-- name: begin_loading
UPDATE claimwatch.file
SET status = 'loading', format = %(format)s, contract_version = %(contract_version)s, chunks = %(chunks)s,
    details = %(details)s, error = NULL
WHERE file_id = %(file_id)s;

-- name: set_outcome_of_inspection
-- Refused or parked: no rows are loaded, and the error says why.
UPDATE claimwatch.file
SET status = %(status)s, format = coalesce(%(format)s, format), error = %(error)s, notified_at = NULL
WHERE file_id = %(file_id)s;

-- name: set_failed
UPDATE claimwatch.file
SET status = 'failed', error = %(error)s, notified_at = NULL
WHERE file_id = %(file_id)s;

-- name: set_notified
UPDATE claimwatch.file SET notified_at = now() WHERE file_id = %(file_id)s;

-- name: begin_attempt
UPDATE claimwatch.file
SET status = 'received', attempt = attempt + 1, error = NULL, chunks = NULL, notified_at = NULL
WHERE file_id = %(file_id)s;

-- name: set_committed
UPDATE claimwatch.file
SET status = 'committed', committed_at = now(), error = NULL,
    rows_read = %(rows_read)s, rows_loaded = %(rows_loaded)s, rows_quarantined = %(rows_quarantined)s
WHERE file_id = %(file_id)s;

-- name: committed_counts
SELECT rows_read, rows_loaded, rows_quarantined FROM claimwatch.file WHERE file_id = %(file_id)s;

-- name: find_chunk
SELECT rows_read, rows_loaded, rows_quarantined
FROM claimwatch.chunk
WHERE file_id = %(file_id)s AND number = %(number)s;

-- name: add_chunk
INSERT INTO claimwatch.chunk (file_id, number, rows_read, rows_loaded, rows_quarantined, claim_hashes,
                              extra_columns, hash_scheme)
VALUES (%(file_id)s, %(number)s, %(rows_read)s, %(rows_loaded)s, %(rows_quarantined)s, %(claim_hashes)s,
        %(extra_columns)s, %(hash_scheme)s);

-- name: sum_chunks
SELECT count(*), coalesce(sum(rows_read), 0)::bigint, coalesce(sum(rows_loaded), 0)::bigint,
       coalesce(sum(rows_quarantined), 0)::bigint
FROM claimwatch.chunk
WHERE file_id = %(file_id)s;

-- name: claim_hashes
-- The hashes of one chunk: sorted, eight bytes each.
SELECT claim_hashes FROM claimwatch.chunk WHERE file_id = %(file_id)s AND number = %(number)s;

-- name: forget_claim_hashes
UPDATE claimwatch.chunk SET claim_hashes = '' WHERE file_id = %(file_id)s;

-- name: delete_chunks
DELETE FROM claimwatch.chunk WHERE file_id = %(file_id)s;

-- name: parked_files
-- Includes files whose new attempt was begun but perhaps not started.
SELECT file_id FROM claimwatch.file
WHERE line = %(line)s AND (status = 'parked' OR (status = 'received' AND attempt > 1))
ORDER BY received_at, sequencer, file_id;

-- name: is_loading
SELECT EXISTS (
    SELECT FROM claimwatch.file WHERE line = %(line)s AND dataset = 'claims' AND status = 'loading'
);

-- name: is_parking_notified
SELECT EXISTS (
    SELECT FROM claimwatch.file WHERE line = %(line)s AND status = 'parked' AND notified_at IS NOT NULL
);

-- name: notified_of_line
-- Notifications of the last day about files of the line, or about keys that name no line.
SELECT (SELECT count(*) FROM claimwatch.file
        WHERE line IS NOT DISTINCT FROM %(line)s AND notified_at > now() - interval '1 day')
     + (SELECT count(DISTINCT first_file_id) FROM claimwatch.extra_column
        WHERE line = %(line)s AND notified_at > now() - interval '1 day');

-- name: notified_new_lines
-- Notifications of the last day about lines without a contract.
SELECT count(*) FROM claimwatch.file WHERE status = 'parked' AND notified_at > now() - interval '1 day';

-- name: new_extra_columns
-- Names that no earlier file of this line had. In order, so that two files do not wait for each other in a circle.
INSERT INTO claimwatch.extra_column (line, dataset, name, first_file_id)
SELECT %(line)s, %(dataset)s, name, %(file_id)s
FROM (SELECT DISTINCT unnest(extra_columns) AS name FROM claimwatch.chunk WHERE file_id = %(file_id)s) AS found
WHERE NOT EXISTS (
    SELECT FROM claimwatch.extra_column AS e WHERE (e.line, e.dataset, e.name) = (%(line)s, %(dataset)s, found.name)
)
ORDER BY name
LIMIT greatest(0, %(most)s - (
    SELECT count(*) FROM claimwatch.extra_column WHERE (line, dataset) = (%(line)s, %(dataset)s)
))
ON CONFLICT DO NOTHING;

-- name: unreported_extra_columns
-- Names that this file was the first to have and that are not notified yet.
SELECT name FROM claimwatch.extra_column WHERE first_file_id = %(file_id)s AND notified_at IS NULL ORDER BY name;

-- name: set_extra_columns_notified
UPDATE claimwatch.extra_column SET notified_at = now() WHERE first_file_id = %(file_id)s AND name = ANY(%(names)s);

-- name: list_files
SELECT file_id, dataset, line, key, version_id, status, format, rows_read, rows_loaded, rows_quarantined,
       received_at, committed_at, error
FROM claimwatch.file
WHERE (%(line)s::text IS NULL OR line = %(line)s) AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(side_files)s OR NOT side_file)
ORDER BY file_id DESC
LIMIT %(limit)s;

-- name: count_side_files
SELECT count(*)
FROM claimwatch.file
WHERE side_file AND (%(line)s::text IS NULL OR line = %(line)s);
