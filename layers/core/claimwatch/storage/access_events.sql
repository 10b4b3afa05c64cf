-- Access events: who asked for what, when and for what purpose. The functions of the API add their own (case_api.sql).

-- name: add
-- A claim id may be longer than an event keeps.
INSERT INTO claimwatch.access_event (at, actor, via, action, line, object, purpose, reason, request_id, outcome,
                                     model_version)
VALUES (coalesce(%(at)s, clock_timestamp()), left(%(actor)s, 500), %(via)s, %(action)s, left(%(line)s, 100),
        left(%(object)s, 4000), %(purpose)s, left(%(reason)s, 4000), left(%(request_id)s, 200), %(outcome)s,
        %(model_version)s);

-- name: list_events
-- The columns are those of AccessEvent.
SELECT seq, at, actor, via, action, line, object, purpose, reason, request_id, outcome, model_version
FROM claimwatch.list_events(%(claim)s::text, %(line)s::text, %(model)s::text, %(actor)s::text, %(purpose)s::text,
                            %(action)s::text, %(since)s::timestamptz, %(until)s::timestamptz, %(before)s::bigint,
                            NULL::text[], %(limit)s::integer)
ORDER BY at DESC, seq DESC;

-- name: summarize
-- Who did what for which purpose, and how often.
SELECT actor, action, line, model_version, purpose, outcome, count(*), min(at), max(at)
FROM claimwatch.list_events(%(claim)s::text, %(line)s::text, %(model)s::text, %(actor)s::text, %(purpose)s::text,
                            %(action)s::text, %(since)s::timestamptz, %(until)s::timestamptz, NULL::bigint,
                            NULL::text[], NULL::integer)
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 7 DESC, 1, 2, 3, 4, 5, 6;
