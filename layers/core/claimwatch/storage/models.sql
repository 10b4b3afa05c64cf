-- Models: trainings, versions and promotions.

-- name: lock_line
-- One transaction at a time changes what is live in a line.
SELECT pg_advisory_xact_lock(7010005, hashtext(%(line)s));

-- name: begin_training
INSERT INTO claimwatch.training (training_id, line, version, why, asked_by, caller, deadline, as_of, trusted)
VALUES (%(training_id)s, %(line)s,
        (SELECT coalesce(max(version::bigint), 0) + 1 FROM (
            SELECT version FROM claimwatch.training WHERE line = %(line)s
            UNION ALL SELECT version FROM claimwatch.model_version WHERE line = %(line)s
        ) AS known WHERE version ~ '^[0-9]{1,18}$'),
        %(why)s, %(asked_by)s, %(caller)s, now() + make_interval(secs => %(seconds)s), %(as_of)s, %(trusted)s)
RETURNING training_id, line, version, why, asked_by, caller, status, instance_id, asked_at, deadline, ended_at, error,
          notified_at IS NOT NULL, as_of, trusted;

-- name: find_training
SELECT training_id, line, version, why, asked_by, caller, status, instance_id, asked_at, deadline, ended_at, error,
       notified_at IS NOT NULL, as_of, trusted
FROM claimwatch.training WHERE training_id = %(training_id)s;

-- name: running_training
SELECT training_id, line, version, why, asked_by, caller, status, instance_id, asked_at, deadline, ended_at, error,
       notified_at IS NOT NULL, as_of, trusted
FROM claimwatch.training WHERE line = %(line)s AND ended_at IS NULL;

-- name: trainings_without_model
-- Trainings that ended before they registered a model, refused or not.
SELECT training_id, line, version, why, asked_by, caller, status, instance_id, asked_at, deadline, ended_at, error,
       notified_at IS NOT NULL, as_of, trusted
FROM claimwatch.training AS t
WHERE line = %(line)s AND status IN ('refused', 'failed')
  AND NOT EXISTS (SELECT FROM claimwatch.model_version AS m WHERE (m.line, m.version) = (t.line, t.version))
ORDER BY ended_at DESC, version DESC;

-- name: trainings_to_watch
-- Trainings that have not ended, and ended ones without an alert.
SELECT training_id, line, version, why, asked_by, caller, status, instance_id, asked_at, deadline, ended_at, error,
       notified_at IS NOT NULL, as_of, trusted
FROM claimwatch.training WHERE ended_at IS NULL OR notified_at IS NULL
ORDER BY asked_at;

-- name: set_running
UPDATE claimwatch.training SET status = 'running', instance_id = %(instance_id)s
WHERE training_id = %(training_id)s AND ended_at IS NULL;

-- name: end_training
-- Only the first end counts.
UPDATE claimwatch.training
SET status = %(status)s, error = %(error)s, ended_at = now()
WHERE training_id = %(training_id)s AND ended_at IS NULL;

-- name: set_training_notified
UPDATE claimwatch.training SET notified_at = now() WHERE training_id = %(training_id)s AND notified_at IS NULL;

-- name: seconds_left
SELECT extract(epoch FROM deadline - now())::double precision FROM claimwatch.training
WHERE training_id = %(training_id)s;

-- name: add_version
INSERT INTO claimwatch.model_version (line, version, status, metrics, data_sha256, code_version, contract_version,
                                      bundle_uri, bundle_sha256, refused_because, as_of, warnings, failed_gates,
                                      served_sha256, refused_columns)
VALUES (%(line)s, %(version)s, %(status)s, %(metrics)s, %(data_sha256)s, %(code_version)s, %(contract_version)s,
        %(bundle_uri)s, %(bundle_sha256)s, %(refused_because)s, %(as_of)s, %(warnings)s, %(failed_gates)s,
        %(served_sha256)s, %(refused_columns)s)
ON CONFLICT (line, version) DO NOTHING;

-- name: find_version
SELECT line, version, status, metrics, data_sha256, code_version, contract_version, bundle_uri, bundle_sha256,
       created_at, refused_because, as_of, warnings, failed_gates, served_sha256, refused_columns
FROM claimwatch.model_version WHERE line = %(line)s AND version = %(version)s;

-- name: warnings_of
SELECT warnings FROM claimwatch.model_version WHERE line = %(line)s AND version = %(version)s;

-- name: list_versions
SELECT m.line, m.version, m.status, live.role, m.metrics, m.data_sha256, m.code_version, m.contract_version,
       m.bundle_uri, m.bundle_sha256, m.created_at, m.refused_because, m.as_of, m.warnings,
       coalesce(t.trusted, '{}') AS trusted, m.failed_gates, m.served_sha256, m.refused_columns,
       (SELECT jsonb_build_object('gate', e.gate, 'at', e.at, 'by', e.by, 'caller', e.caller, 'why', e.why)
        FROM claimwatch.model_exception AS e WHERE (e.line, e.version) = (m.line, m.version)) AS excepted
FROM claimwatch.model_version AS m
LEFT JOIN claimwatch.live_model AS live ON (live.line, live.version) = (m.line, m.version)
LEFT JOIN claimwatch.training AS t ON (t.line, t.version) = (m.line, m.version)
WHERE m.line = %(line)s
ORDER BY m.created_at DESC, m.version DESC, live.role;

-- name: live_models
SELECT role, version, bundle_uri, bundle_sha256 FROM claimwatch.live_model WHERE line = %(line)s;

-- name: lines_with_champion
SELECT line FROM claimwatch.live_model WHERE role = 'champion' ORDER BY line;

-- name: live_models_then
-- Those that were live at the end of a day (UTC).
SELECT role, version, bundle_uri, bundle_sha256 FROM (
    SELECT DISTINCT ON (role) role, version, bundle_uri, bundle_sha256 FROM claimwatch.promotion
    WHERE line = %(line)s AND at < (%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY role, promotion_id DESC
) AS last
WHERE version IS NOT NULL;

-- name: find_promotion
SELECT promotion_id, line, version, role, action, at, by, caller, why, bundle_uri, bundle_sha256, as_of, trusted,
       no_longer_protected, equal_to, unread_contracts,
       (SELECT jsonb_build_object('gate', e.gate, 'at', e.at, 'by', e.by, 'caller', e.caller, 'why', e.why)
        FROM claimwatch.model_exception AS e WHERE (e.line, e.version) = (p.line, p.version))
FROM claimwatch.promotion AS p WHERE request_id = %(request_id)s AND action <> 'vacate';

-- name: promotions_of_role
SELECT promotion_id, line, version, role, action, at, by, caller, why, bundle_uri, bundle_sha256, as_of, trusted,
       no_longer_protected, equal_to, unread_contracts,
       (SELECT jsonb_build_object('gate', e.gate, 'at', e.at, 'by', e.by, 'caller', e.caller, 'why', e.why)
        FROM claimwatch.model_exception AS e WHERE (e.line, e.version) = (p.line, p.version))
FROM claimwatch.promotion AS p WHERE line = %(line)s AND role = %(role)s ORDER BY promotion_id;

-- name: history
-- With a time, the promotions until then.
SELECT promotion_id, line, version, role, action, at, by, caller, why, bundle_uri, bundle_sha256, as_of, trusted,
       no_longer_protected, equal_to, unread_contracts,
       (SELECT jsonb_build_object('gate', e.gate, 'at', e.at, 'by', e.by, 'caller', e.caller, 'why', e.why)
        FROM claimwatch.model_exception AS e WHERE (e.line, e.version) = (p.line, p.version))
FROM claimwatch.promotion AS p
WHERE line = %(line)s AND (%(until)s::timestamptz IS NULL OR at <= %(until)s)
ORDER BY promotion_id DESC;

-- name: add_promotion
INSERT INTO claimwatch.promotion (request_id, line, version, role, action, by, caller, why, bundle_uri, bundle_sha256,
                                  as_of, trusted, no_longer_protected, equal_to, unread_contracts)
VALUES (%(request_id)s, %(line)s, %(version)s, %(role)s, %(action)s, %(by)s, %(caller)s, %(why)s, %(bundle_uri)s,
        %(bundle_sha256)s, %(as_of)s, %(trusted)s, %(no_longer_protected)s, %(equal_to)s,
        %(unread_contracts)s)
RETURNING promotion_id;

-- name: promotion
SELECT promotion_id, line, version, role, action, at, by, caller, why, bundle_uri, bundle_sha256, as_of, trusted,
       no_longer_protected, equal_to, unread_contracts,
       (SELECT jsonb_build_object('gate', e.gate, 'at', e.at, 'by', e.by, 'caller', e.caller, 'why', e.why)
        FROM claimwatch.model_exception AS e WHERE (e.line, e.version) = (p.line, p.version))
FROM claimwatch.promotion AS p WHERE promotion_id = %(promotion_id)s;

-- name: find_request_without_change
SELECT version FROM claimwatch.request_without_change WHERE request_id = %(request_id)s;

-- name: add_request_without_change
INSERT INTO claimwatch.request_without_change (request_id, version) VALUES (%(request_id)s, %(version)s);

-- name: columns_of_line
-- From the catalogue: the information schema shows a role only the tables that it may read.
SELECT attname::text FROM pg_attribute
WHERE attrelid = to_regclass('claimwatch.' || quote_ident(%(table)s)) AND attnum > 0 AND NOT attisdropped;

-- name: has_registry
SELECT to_regclass('mlflow.registered_model_aliases') IS NOT NULL;

-- name: drop_alias
DELETE FROM mlflow.registered_model_aliases WHERE name = %(line)s AND alias = %(role)s;

-- name: set_alias
-- MLflow numbers versions itself; a tag holds ours. A version that MLflow does not have gets no alias.
INSERT INTO mlflow.registered_model_aliases (name, alias, version)
SELECT name, %(role)s, max(version) FROM mlflow.model_version_tags
WHERE name = %(line)s AND key = 'version' AND value = %(version)s
GROUP BY name;

-- name: grant_registry
SELECT claimwatch.grant_registry();
