-- Contracts and their tables.

-- name: lock_line
-- One contract of a line at a time, until the transaction ends.
SELECT pg_advisory_xact_lock(7010002, hashtext(%(line)s));

-- name: find_entry
-- The result of an object version.
SELECT contract_id, line, version, status, error, notified_at IS NOT NULL
FROM claimwatch.contract
WHERE bucket = %(bucket)s AND key = %(key)s AND version_id = %(version_id)s;

-- name: running
-- The contract that was applied last; versions only increase.
SELECT text, sha256, received_at, sequencer, columns
FROM claimwatch.contract
WHERE line = %(line)s AND status = 'applied'
ORDER BY contract_id DESC
LIMIT 1;

-- name: applied
-- The contract that a file was inspected with.
SELECT text
FROM claimwatch.contract
WHERE line = %(line)s AND version = %(version)s AND status = 'applied'
ORDER BY contract_id DESC
LIMIT 1;

-- name: lines
SELECT DISTINCT line FROM claimwatch.contract WHERE status = 'applied' ORDER BY line;

-- name: has_column
SELECT EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = to_regclass('claimwatch.' || quote_ident(%(relation)s)) AND attname = %(column)s);

-- name: add
INSERT INTO claimwatch.contract (line, version, status, text, sha256, bucket, key, version_id, received_at, sequencer,
                                 columns, compiled, error)
VALUES (%(line)s, %(version)s, %(status)s, %(text)s, %(sha256)s, %(bucket)s, %(key)s, %(version_id)s,
        %(received_at)s, %(sequencer)s, %(columns)s, %(compiled)s, %(error)s)
RETURNING contract_id, line, version, status, error, notified_at IS NOT NULL;

-- name: set_compiled
UPDATE claimwatch.contract SET compiled = %(compiled)s
WHERE contract_id = (SELECT max(contract_id) FROM claimwatch.contract WHERE line = %(line)s AND status = 'applied')
  AND compiled IS DISTINCT FROM %(compiled)s::jsonb;

-- name: set_notified
UPDATE claimwatch.contract SET notified_at = now() WHERE contract_id = %(contract_id)s;

-- name: wait_briefly
-- Limits the wait for a table's lock: loading transactions queue behind ours.
SELECT set_config('lock_timeout', %(milliseconds)s, true);

-- name: grant_line
SELECT claimwatch.grant_line(%(line)s);

-- name: become_owner_of_lines
SET LOCAL ROLE claimwatch_contracts;
