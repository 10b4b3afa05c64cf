-- What a pipeline without a way to the database waits for: how trainings and submitted contracts of a line ended, and
-- the evidence that a person compares before promoting a model.

GRANT SELECT (metrics, warnings, failed_gates, bundle_uri) ON claimwatch.model_version TO claimwatch_api_definer;
-- Neither the names of persons nor their words.
GRANT SELECT (training_id, line, version, status, asked_at, ended_at, error, as_of) ON claimwatch.training
    TO claimwatch_api_definer;
GRANT SELECT (sha256, version_id, received_at, error) ON claimwatch.contract TO claimwatch_api_definer;

CREATE OR REPLACE FUNCTION claimwatch.api_models(line text, actor text, purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    allowed text[] := claimwatch.purposes_of(line);
    newest  integer := 20;
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'v1'::text, 'models.list'::text, line, NULL::text, request_id);
    ELSIF NOT EXISTS (SELECT FROM claimwatch.contract AS c WHERE c.line = line AND c.status = 'applied') THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'v1'::text, 'models.list'::text, line, NULL::text, purpose,
                                    request_id);
    END IF;
    PERFORM claimwatch.record_access(actor, 'v1'::text, 'models.list'::text, line, NULL::text, purpose, NULL::text,
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object(
        'line', line,
        'models', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'version', m.version, 'status', m.status, 'created_at', m.created_at,
                       'contract_version', m.contract_version, 'sha256', m.bundle_sha256, 'uri', m.bundle_uri,
                       'as_of', m.as_of, 'refused_because', m.refused_because, 'failed_gates', to_jsonb(m.failed_gates),
                       'metrics', m.metrics, 'warnings', m.warnings,
                       'roles', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', l.role, 'since', l.since)
                                                           ORDER BY l.role), '[]')
                                 FROM claimwatch.live_model AS l WHERE l.line = m.line AND l.version = m.version))
                       ORDER BY m.created_at DESC, m.version DESC), '[]')
            FROM claimwatch.model_version AS m WHERE m.line = line),
        'trainings', (
            SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.asked_at DESC, t.training_id), '[]')
            FROM (SELECT n.training_id, n.version, n.status, n.asked_at, n.ended_at, n.error, n.as_of
                  FROM claimwatch.training AS n WHERE n.line = line
                  ORDER BY n.asked_at DESC, n.training_id LIMIT newest) AS t),
        'contracts', (
            SELECT coalesce(jsonb_agg(to_jsonb(s) - 'contract_id' ORDER BY s.contract_id DESC), '[]')
            FROM (SELECT n.contract_id, n.version, n.status, n.sha256, n.version_id AS object_version, n.received_at,
                         n.error
                  FROM claimwatch.contract AS n WHERE n.line = line
                  ORDER BY n.contract_id DESC LIMIT newest) AS s)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_models IS
    'Returns the models of a line with their evidence and roles, and its newest trainings and contracts. For machines: IAM has decided who may ask.';
