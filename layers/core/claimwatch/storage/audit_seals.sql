-- Seals of access events.

-- name: horizon
SELECT claimwatch.lock_access_events();

-- name: newest
SELECT number, last_seq, sha256 FROM claimwatch.audit_seal ORDER BY number DESC LIMIT 1;

-- name: all_rows
SELECT number, first_seq, last_seq, events, root, previous, sha256 FROM claimwatch.audit_seal ORDER BY number;

-- name: chain
SELECT number, last_seq, replaces FROM claimwatch.audit_seal ORDER BY number;

-- name: add
INSERT INTO claimwatch.audit_seal
    (number, first_seq, last_seq, events, root, previous, sha256, sealed_at, reason, replaces, uri, object_version)
VALUES (%(number)s, %(first_seq)s, %(last_seq)s, %(events)s, %(root)s, %(previous)s, %(sha256)s, %(sealed_at)s,
        %(reason)s, %(replaces)s, %(uri)s, %(object_version)s)
ON CONFLICT (number) DO NOTHING;

-- name: next_events
-- The columns are those of RawEvent; of the time, the microseconds since 2000 that PostgreSQL stores.
SELECT seq, ('x' || encode(timestamptz_send(at), 'hex'))::bit(64)::bigint, actor, via, action, line, object, purpose, reason,
       request_id, outcome, model_version
FROM claimwatch.access_event WHERE seq > %(after)s AND seq <= %(until)s ORDER BY seq LIMIT %(limit)s;

-- name: all_events
SELECT seq, ('x' || encode(timestamptz_send(at), 'hex'))::bit(64)::bigint, actor, via, action, line, object, purpose, reason,
       request_id, outcome, model_version
FROM claimwatch.access_event ORDER BY seq;
