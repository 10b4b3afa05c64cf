-- Sources, their windows, and what was pulled.

-- name: lock_source_name
-- One file of a source at a time, until the transaction ends.
SELECT pg_advisory_xact_lock(7010003, hashtext(%(source)s));

-- name: find_version
-- The result of an object version.
SELECT source_version_id, source, status, error, notified_at IS NOT NULL
FROM claimwatch.source_version
WHERE bucket = %(bucket)s AND key = %(key)s AND version_id = %(version_id)s;

-- name: add_version
INSERT INTO claimwatch.source_version (source, bucket, key, version_id, received_at, sequencer, status, text, sha256,
                                       error)
VALUES (%(source)s, %(bucket)s, %(key)s, %(version_id)s, %(received_at)s, %(sequencer)s, %(status)s, %(text)s,
        %(sha256)s, %(error)s)
RETURNING source_version_id, source, status, error, notified_at IS NOT NULL;

-- name: set_version_notified
UPDATE claimwatch.source_version SET notified_at = now() WHERE source_version_id = %(source_version_id)s;

-- name: apply
-- What the source did last stays, so that it goes on where it was.
INSERT INTO claimwatch.source (source, line, kind, text, received_at, sequencer, paused, reads_sha256, applied_at)
VALUES (%(source)s, %(line)s, %(kind)s, %(text)s, %(received_at)s, %(sequencer)s, %(paused)s, %(reads_sha256)s,
        %(now)s)
ON CONFLICT (source) DO UPDATE
SET line = excluded.line, kind = excluded.kind, text = excluded.text, received_at = excluded.received_at,
    sequencer = excluded.sequencer, paused = excluded.paused, removed = false, reads_sha256 = excluded.reads_sha256,
    applied_at = excluded.applied_at, silence_notified_at = NULL, failure_notified_at = NULL;

-- name: remove
-- The running execution loses the source.
UPDATE claimwatch.source
SET removed = true, received_at = %(received_at)s, sequencer = %(sequencer)s, generation = generation + 1,
    execution = NULL, lease_until = NULL
WHERE source = %(source)s;

-- name: get
SELECT source, text, reads_sha256, received_at, sequencer, paused, removed, position, cycle, after_key, cycles, windows,
       columns, execution, generation, lease_until, taken_at, looked_at, rows_at, applied_at, failing_since, error,
       failure_notified_at IS NOT NULL, silence_notified_at IS NOT NULL
FROM claimwatch.source
WHERE source = %(source)s;

-- name: lock
-- Locks the source, to change its state.
SELECT source, text, reads_sha256, received_at, sequencer, paused, removed, position, cycle, after_key, cycles, windows,
       columns, execution, generation, lease_until, taken_at, looked_at, rows_at, applied_at, failing_since, error,
       failure_notified_at IS NOT NULL, silence_notified_at IS NOT NULL
FROM claimwatch.source
WHERE source = %(source)s
FOR NO KEY UPDATE;

-- name: share
-- Keeps the source from being planned again, to add rows of a window.
SELECT generation FROM claimwatch.source WHERE source = %(source)s FOR SHARE;

-- name: take
UPDATE claimwatch.source
SET execution = %(execution)s, generation = generation + 1, lease_until = %(lease_until)s,
    taken_at = CASE WHEN execution = %(execution)s THEN taken_at ELSE %(now)s END
WHERE source = %(source)s
RETURNING generation, taken_at;

-- name: renew
UPDATE claimwatch.source SET lease_until = %(lease_until)s WHERE source = %(source)s AND execution IS NOT NULL;

-- name: release
UPDATE claimwatch.source SET execution = NULL, lease_until = NULL WHERE source = %(source)s;

-- name: begin_again
-- Takes the source from whoever pulls it.
UPDATE claimwatch.source
SET position = NULL, cycle = NULL, after_key = NULL, columns = NULL, generation = generation + 1, execution = NULL,
    lease_until = NULL
WHERE source = %(source)s;

-- name: discard_window
UPDATE claimwatch.source_window SET discarded_at = %(now)s
WHERE source = %(source)s AND committed_at IS NULL AND discarded_at IS NULL;

-- name: forget_rows
DELETE FROM claimwatch.source_row WHERE source = %(source)s;

-- name: forget_window_rows
DELETE FROM claimwatch.source_window_row WHERE source = %(source)s;

-- name: forget_pulled_files
UPDATE claimwatch.source_file SET pulled_at = NULL WHERE source = %(source)s AND pulled_at IS NOT NULL;

-- name: begin_cycle
UPDATE claimwatch.source
SET cycle = %(cycle)s, after_key = NULL, cycles = cycles + 1, columns = %(columns)s
WHERE source = %(source)s
RETURNING cycles;

-- name: end_cycle
UPDATE claimwatch.source
SET position = cycle, cycle = NULL, after_key = NULL
WHERE source = %(source)s AND cycle IS NOT NULL;

-- name: add_deletions
-- Rows that the cycle no longer has.
INSERT INTO claimwatch.source_deletion (source, key, cycle_number, missing_at)
SELECT source, key, %(cycle_number)s, %(now)s
FROM claimwatch.source_row
WHERE source = %(source)s AND cycle_number < %(cycle_number)s
ON CONFLICT DO NOTHING;

-- name: forget_earlier_rows
DELETE FROM claimwatch.source_row WHERE source = %(source)s AND cycle_number < %(cycle_number)s;

-- name: looked
UPDATE claimwatch.source SET looked_at = %(now)s WHERE source = %(source)s;

-- name: set_healthy
UPDATE claimwatch.source
SET failing_since = NULL, error = NULL, failure_notified_at = NULL
WHERE source = %(source)s AND (failing_since IS NOT NULL OR failure_notified_at IS NOT NULL);

-- name: set_rows_at
UPDATE claimwatch.source SET rows_at = %(now)s, silence_notified_at = NULL WHERE source = %(source)s;

-- name: set_failing
UPDATE claimwatch.source
SET failing_since = coalesce(failing_since, %(now)s), error = %(error)s, execution = NULL, lease_until = NULL
WHERE source = %(source)s;

-- name: set_failure_notified
UPDATE claimwatch.source SET failure_notified_at = %(now)s WHERE source = %(source)s;

-- name: set_silence_notified
UPDATE claimwatch.source SET silence_notified_at = %(now)s WHERE source = %(source)s;

-- name: open_window
SELECT source, number, cycle_number, cycle, after_key, upto_key, path, size_bytes, modified_at, row_limit, last,
       object_key, rows_read, rows_pulled, object_bytes, version_id, sha256, extracted_at, seconds, committed_at,
       refusal
FROM claimwatch.source_window
WHERE source = %(source)s AND committed_at IS NULL AND discarded_at IS NULL;

-- name: window
SELECT source, number, cycle_number, cycle, after_key, upto_key, path, size_bytes, modified_at, row_limit, last,
       object_key, rows_read, rows_pulled, object_bytes, version_id, sha256, extracted_at, seconds, committed_at,
       refusal
FROM claimwatch.source_window
WHERE source = %(source)s AND number = %(number)s AND discarded_at IS NULL;

-- name: last_committed_window
SELECT row_limit, seconds
FROM claimwatch.source_window
WHERE source = %(source)s AND committed_at IS NOT NULL AND row_limit IS NOT NULL
ORDER BY number DESC
LIMIT 1;

-- name: windows_of_execution
SELECT count(*) FROM claimwatch.source_window WHERE source = %(source)s AND execution = %(execution)s;

-- name: files_refused_by
-- Files that could not be pulled by an execution, which goes on with others.
SELECT path
FROM claimwatch.source_window
WHERE source = %(source)s AND execution = %(execution)s AND committed_at IS NOT NULL AND refusal IS NOT NULL;

-- name: was_refused_before
-- Whether an earlier window could not pull the same version of a file.
SELECT EXISTS (
    SELECT
    FROM claimwatch.source_window
    WHERE source = %(source)s AND number < %(number)s AND path = %(path)s AND size_bytes = %(size_bytes)s
      AND modified_at = %(modified_at)s AND committed_at IS NOT NULL AND refusal IS NOT NULL
);

-- name: count_window
UPDATE claimwatch.source SET windows = windows + 1 WHERE source = %(source)s RETURNING windows;

-- name: add_window
INSERT INTO claimwatch.source_window (source, number, cycle_number, cycle, after_key, upto_key, path, size_bytes,
                                      modified_at, row_limit, last, object_key, execution, attempts, planned_at)
VALUES (%(source)s, %(number)s, %(cycle_number)s, %(cycle)s, %(after_key)s, %(upto_key)s, %(path)s, %(size_bytes)s,
        %(modified_at)s, %(row_limit)s, %(last)s, %(object_key)s, %(execution)s, 0, %(now)s);

-- name: plan_window_again
UPDATE claimwatch.source_window
SET execution = %(execution)s
WHERE source = %(source)s AND number = %(number)s;

-- name: begin_attempt
-- Whoever reads the window already is overtaken by this attempt.
UPDATE claimwatch.source_window SET attempts = attempts + 1
WHERE source = %(source)s AND number = %(number)s
RETURNING attempts;

-- name: attempt
SELECT attempts FROM claimwatch.source_window WHERE source = %(source)s AND number = %(number)s;

-- name: narrow_window
UPDATE claimwatch.source_window
SET upto_key = %(upto_key)s, row_limit = %(row_limit)s, last = %(last)s, extracted_at = NULL, version_id = NULL
WHERE source = %(source)s AND number = %(number)s;

-- name: forget_rows_of_window
DELETE FROM claimwatch.source_window_row WHERE source = %(source)s AND number = %(number)s;

-- name: hashes_of
SELECT key, row_hash FROM claimwatch.source_row WHERE source = %(source)s AND key = ANY (%(keys)s);

-- name: add_window_rows
INSERT INTO claimwatch.source_window_row (source, number, key, row_hash)
SELECT %(source)s, %(number)s, key, row_hash
FROM unnest(%(keys)s::text[], %(hashes)s::bytea[]) AS added (key, row_hash);

-- name: set_extracted
UPDATE claimwatch.source_window
SET rows_read = %(rows_read)s, rows_pulled = %(rows_pulled)s, object_bytes = %(object_bytes)s,
    version_id = %(version_id)s, sha256 = %(sha256)s, extracted_at = %(now)s, seconds = %(seconds)s,
    refusal = %(refusal)s
WHERE source = %(source)s AND number = %(number)s;

-- name: set_not_extracted
UPDATE claimwatch.source_window SET extracted_at = NULL, version_id = NULL
WHERE source = %(source)s AND number = %(number)s AND committed_at IS NULL;

-- name: set_committed
UPDATE claimwatch.source_window SET committed_at = %(now)s WHERE source = %(source)s AND number = %(number)s;

-- name: keep_window_rows
-- A key may be read twice in a window whose rows change meanwhile; any of its hashes will do.
INSERT INTO claimwatch.source_row (source, key, row_hash, cycle_number)
SELECT DISTINCT ON (key) source, key, row_hash, %(cycle_number)s
FROM claimwatch.source_window_row
WHERE source = %(source)s AND number = %(number)s
ON CONFLICT (source, key) DO UPDATE SET row_hash = excluded.row_hash, cycle_number = excluded.cycle_number;

-- name: advance
UPDATE claimwatch.source SET after_key = %(after_key)s WHERE source = %(source)s;

-- name: files
SELECT path, size_bytes, modified_at, seen_at, pulled_at
FROM claimwatch.source_file
WHERE source = %(source)s;

-- name: see_files
-- Another size or time is another version, which is pulled again.
INSERT INTO claimwatch.source_file (source, path, size_bytes, modified_at, seen_at) VALUES %s
ON CONFLICT (source, path) DO UPDATE
SET size_bytes = excluded.size_bytes, modified_at = excluded.modified_at, seen_at = excluded.seen_at, pulled_at = NULL;

-- name: set_pulled
UPDATE claimwatch.source_file SET pulled_at = %(now)s
WHERE source = %(source)s AND path = %(path)s AND size_bytes = %(size_bytes)s AND modified_at = %(modified_at)s;
