-- The functions that the API calls. Its login may call these and do nothing else. Each checks purpose and permission,
-- writes one access event in the transaction that hands something out, and answers a refusal instead of raising it, so
-- that the event of the refusal stays. They run with the rights of a role of their own, not of the owner.

-- When a label decides a claim depends on two more columns (see work_list in storage/scores.sql).
GRANT SELECT (from_label, effective_at) ON claimwatch.current_outcome TO claimwatch_api_definer;

CREATE TYPE claimwatch.api_answer AS (outcome text, document jsonb);
COMMENT ON TYPE claimwatch.api_answer IS
    'What a function of the API returns: answered, refused or not_found; the document of a refusal has a code.';

-- ── What the functions share; it runs with the rights of its caller ──────────────────────────────────────────────────

CREATE FUNCTION claimwatch.default_purposes() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT ARRAY['claim_handling', 'fraud_investigation', 'complaint_handling', 'audit', 'model_monitoring',
                 'operations', 'testing'];
$$;
COMMENT ON FUNCTION claimwatch.default_purposes IS
    'Purposes of a line whose contract names none, and of requests that are about no line.';

CREATE FUNCTION claimwatch.running_contract(of_line text, OUT columns jsonb, OUT compiled jsonb, OUT version text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.columns, c.compiled, c.version FROM claimwatch.contract AS c
    WHERE c.line = of_line AND c.status = 'applied'
    ORDER BY c.contract_id DESC LIMIT 1;
$$;
COMMENT ON FUNCTION claimwatch.running_contract IS 'Returns the contract of a line that was applied last; nulls if there is none.';

CREATE FUNCTION claimwatch.purposes_of(of_line text) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(
        (SELECT array_agg(purpose ORDER BY place)
         FROM claimwatch.running_contract(of_line::text) AS c,
              jsonb_array_elements_text(
                  CASE WHEN jsonb_typeof(c.compiled -> 'purposes') = 'array' THEN c.compiled -> 'purposes' ELSE '[]' END
              ) WITH ORDINALITY AS p (purpose, place)),
        claimwatch.default_purposes());
$$;
COMMENT ON FUNCTION claimwatch.purposes_of IS 'Returns the purposes of a line; of none, and of an unknown line, the default.';

CREATE FUNCTION claimwatch.conflicts_of_duties() RETURNS TABLE (one text, other text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    VALUES ('case.decide', 'audit.read'), ('model.promote', 'model.train');
$$;
COMMENT ON FUNCTION claimwatch.conflicts_of_duties IS 'Returns the pairs of permissions that nobody may have together.';

CREATE FUNCTION claimwatch.duties_are_separated() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM claimwatch.setting AS s
                       WHERE s.name = 'separation_of_duties' AND s.value = 'relaxed');
$$;
COMMENT ON FUNCTION claimwatch.duties_are_separated IS 'Returns whether conflicting permissions are refused.';

CREATE FUNCTION claimwatch.held_permissions(actor text, groups text[]) RETURNS TABLE (permission text, line text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT p.permission, p.line FROM claimwatch.permission AS p
    WHERE p.grantee = 'person:' || held_permissions.actor
       OR p.grantee IN (SELECT 'group:' || g FROM unnest(held_permissions.groups) AS g);
$$;
COMMENT ON FUNCTION claimwatch.held_permissions IS 'Returns what a person and the person''s groups were granted.';

CREATE FUNCTION claimwatch.conflicts_held(actor text, groups text[]) RETURNS TABLE (one text, other text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.one, c.other FROM claimwatch.conflicts_of_duties() AS c
    WHERE claimwatch.duties_are_separated()
      AND (SELECT count(DISTINCT h.permission)
           FROM claimwatch.held_permissions(conflicts_held.actor, conflicts_held.groups) AS h
           WHERE h.permission IN (c.one, c.other)) = 2;
$$;
COMMENT ON FUNCTION claimwatch.conflicts_held IS
    'Returns the conflicting pairs that a person holds while duties are separated, whatever the lines.';

CREATE FUNCTION claimwatch.effective_permissions(actor text, groups text[]) RETURNS TABLE (permission text, line text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT h.permission, h.line
    FROM claimwatch.held_permissions(effective_permissions.actor, effective_permissions.groups) AS h
    WHERE NOT EXISTS (SELECT FROM claimwatch.conflicts_held(effective_permissions.actor, effective_permissions.groups) AS c
                      WHERE h.permission IN (c.one, c.other));
$$;
COMMENT ON FUNCTION claimwatch.effective_permissions IS
    'Returns what a person may do: of a conflicting pair, neither while duties are separated.';

CREATE FUNCTION claimwatch.lines_permitted(actor text, groups text[], needed text) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(e.line), '{}')
    FROM claimwatch.effective_permissions(lines_permitted.actor, lines_permitted.groups) AS e
    WHERE e.permission = needed;
$$;
COMMENT ON FUNCTION claimwatch.lines_permitted IS 'Returns the lines that a permission is effective for; * is every line.';

CREATE FUNCTION claimwatch.record_access(
    actor text, via text, action text, line text, object text, purpose text, reason text, request_id text, outcome text,
    model_version text
) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO claimwatch.access_event (actor, via, action, line, object, purpose, reason, request_id, outcome,
                                         model_version)
    VALUES (coalesce(nullif(left(record_access.actor, 500), ''), 'unknown'), record_access.via, record_access.action,
            left(record_access.line, 100), left(record_access.object, 4000), record_access.purpose,
            left(record_access.reason, 4000), left(record_access.request_id, 200), record_access.outcome,
            record_access.model_version);
$$;
COMMENT ON FUNCTION claimwatch.record_access IS 'Adds an access event.';

CREATE FUNCTION claimwatch.refuse(
    code text, actor text, via text, action text, line text, object text, purpose text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM claimwatch.record_access(actor, via, action, line, object, purpose, code, request_id, 'refused'::text,
                                     NULL::text);
    RETURN ROW('refused'::text, jsonb_build_object('code', code));
END
$$;
COMMENT ON FUNCTION claimwatch.refuse IS 'Adds the event of a refused request, and returns its answer.';

CREATE FUNCTION claimwatch.refuse_purpose(
    allowed text[], actor text, via text, action text, line text, object text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- What the request named instead is a text that anybody may have written: it is not stored.
    PERFORM claimwatch.record_access(actor, via, action, line, object, NULL::text, 'purpose'::text, request_id,
                                     'refused'::text, NULL::text);
    RETURN ROW('refused'::text, jsonb_build_object('code', 'purpose', 'purposes', to_jsonb(allowed)));
END
$$;
COMMENT ON FUNCTION claimwatch.refuse_purpose IS 'Adds the event of a request without a valid purpose, and returns its answer.';

CREATE FUNCTION claimwatch.not_found(
    what text, actor text, via text, action text, line text, object text, purpose text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Only the event says what was not found: an unknown line and a line that is not granted have the same answer.
    PERFORM claimwatch.record_access(actor, via, action, line, object, purpose, what, request_id, 'not_found'::text,
                                     NULL::text);
    RETURN ROW('not_found'::text, jsonb_build_object('code', 'not_found'));
END
$$;
COMMENT ON FUNCTION claimwatch.not_found IS 'Adds the event of a request for something unknown, and returns its answer.';

CREATE FUNCTION claimwatch.find_claim(
    of_line text, wanted text, OUT claim_id text, OUT file_id bigint, OUT claim jsonb
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    claims     regclass;
    identifier name;
    type       text;
BEGIN
    claims := to_regclass(format('claimwatch.%I', 'current_claim_' || of_line));
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) INTO identifier, type
    FROM claimwatch.running_contract(of_line) AS c, jsonb_each(c.columns) AS s
    JOIN pg_attribute AS a ON a.attrelid = claims AND a.attname = s.key AND NOT a.attisdropped
    WHERE (s.value ->> 'identifier')::boolean;
    IF identifier IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('SELECT c.%1$I::text, c.file_id, to_jsonb(c) FROM %2$s AS c WHERE c.%1$I = $1::%3$s',
                   identifier, claims, type)
    INTO claim_id, file_id, claim USING wanted;
EXCEPTION WHEN data_exception THEN
    NULL; -- no claim has such an id: it is not a number, for instance
END
$$;
COMMENT ON FUNCTION claimwatch.find_claim IS
    'Returns the current row of a claim, with its id as scores and outcomes have it; nulls if there is none.';

CREATE FUNCTION claimwatch.current_score(of_line text, of_claim text, of_file bigint) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT jsonb_build_object('probability', s.probability, 'percentile', s.percentile, 'referred', s.referred,
                              'reasons', s.reasons, 'model_version', s.model_version, 'scored_at', s.scored_at)
    FROM claimwatch.score AS s
    WHERE s.line = of_line AND s.claim_id = of_claim AND s.file_id = of_file AND s.role = 'champion'
    ORDER BY s.scored_at DESC, s.model_version DESC LIMIT 1;
$$;
COMMENT ON FUNCTION claimwatch.current_score IS
    'Returns the newest score that a champion gave to a row of a claim. The random audit is not part of it.';

CREATE FUNCTION claimwatch.current_decision(of_line text, of_claim text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT jsonb_build_object('is_fraud', o.is_fraud, 'decided_at', o.decided_at)
    FROM claimwatch.current_outcome AS o
    WHERE o.line = of_line AND o.claim_id = of_claim
      AND NOT (o.from_label AND NOT o.is_fraud AND o.effective_at < o.decided_at);
$$;
COMMENT ON FUNCTION claimwatch.current_decision IS
    'Returns what was decided on a claim; null if nothing was. Neither who decided it nor what made it a case is part of it.';

CREATE FUNCTION claimwatch.list_events(
    claim text, line text, model text, actor text, purpose text, action text, since timestamptz, until timestamptz,
    before bigint, visible text[], most integer
) RETURNS SETOF claimwatch.access_event
LANGUAGE plpgsql STABLE ROWS 100 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Conditions that are not asked for are left out, so that an index serves the others.
    RETURN QUERY EXECUTE
        'SELECT e.* FROM claimwatch.access_event AS e WHERE true'
        || CASE WHEN claim IS NULL THEN '' ELSE
               ' AND left(e.object, 200) = left($1, 200) AND e.object = $1'
               ' AND (e.action = ''score'' OR e.action LIKE ''claim.%'')' END
        || CASE WHEN line IS NULL THEN '' ELSE ' AND e.line = $2' END
        || CASE WHEN model IS NULL THEN '' ELSE ' AND e.model_version = $3' END
        || CASE WHEN actor IS NULL THEN '' ELSE ' AND e.actor = $4' END
        || CASE WHEN purpose IS NULL THEN '' ELSE ' AND e.purpose = $5' END
        || CASE WHEN action IS NULL THEN '' ELSE ' AND e.action = $6' END
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e.at >= $7' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e.at < $8' END
        || CASE WHEN before IS NULL THEN '' ELSE
               ' AND (e.at, e.seq) < (SELECT b.at, b.seq FROM claimwatch.access_event AS b WHERE b.seq = $9)' END
        || CASE WHEN visible IS NULL THEN '' ELSE ' AND e.line = ANY ($10)' END
        || ' ORDER BY e.at DESC, e.seq DESC LIMIT $11'
    USING claim, line, model, actor, purpose, action, since, until, before, visible, most;
END
$$;
COMMENT ON FUNCTION claimwatch.list_events IS
    'Returns access events, newest first, after the event with number before; a null leaves its condition out, and visible limits the lines.';

-- ── The functions of the API ─────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.api_me(actor text, groups text[]) RETURNS claimwatch.api_answer
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    readable text[] := claimwatch.lines_permitted(actor, groups, 'claim.read'::text);
BEGIN
    RETURN ROW('answered'::text, jsonb_build_object(
        'actor', actor,
        'groups', to_jsonb(coalesce(groups, '{}')),
        'permissions', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('permission', e.permission, 'lines', e.lines)
                                      ORDER BY e.permission), '[]')
            FROM (SELECT p.permission, jsonb_agg(p.line ORDER BY p.line) AS lines
                  FROM claimwatch.effective_permissions(actor, groups) AS p GROUP BY p.permission) AS e),
        'conflicts', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                       'permissions', jsonb_build_array(c.one, c.other),
                       'why', format('%s and %s exclude each other, so neither is effective; revoke one of them',
                                     c.one, c.other))), '[]')
            FROM claimwatch.conflicts_held(actor, groups) AS c),
        'separation_of_duties', CASE WHEN claimwatch.duties_are_separated() THEN 'enforced' ELSE 'relaxed' END,
        'lines', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('line', l.line,
                                                         'purposes', to_jsonb(claimwatch.purposes_of(l.line)))
                                      ORDER BY l.line), '[]')
            FROM (SELECT DISTINCT c.line FROM claimwatch.contract AS c
                  WHERE c.status = 'applied' AND (c.line = ANY (readable) OR '*' = ANY (readable))) AS l),
        'purposes', to_jsonb(claimwatch.default_purposes())
    ));
END
$$;
COMMENT ON FUNCTION claimwatch.api_me IS
    'Returns what a person may do, which granted permissions exclude each other, and the lines whose claims the person may read.';

CREATE FUNCTION claimwatch.api_claim_status(line text, claim_id text, actor text, purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    allowed  text[] := claimwatch.purposes_of(line);
    found    record;
    score    jsonb;
    decision jsonb;
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'v1'::text, 'claim.status'::text, line, claim_id, request_id);
    END IF;
    SELECT * INTO found FROM claimwatch.find_claim(line, claim_id);
    IF found.claim_id IS NULL THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'v1'::text, 'claim.status'::text, line, claim_id, purpose,
                                    request_id);
    END IF;
    score := claimwatch.current_score(line, found.claim_id, found.file_id) - 'reasons'; -- they quote the claim
    decision := claimwatch.current_decision(line, found.claim_id);
    PERFORM claimwatch.record_access(actor, 'v1'::text, 'claim.status'::text, line, found.claim_id, purpose, NULL::text,
                                     request_id, 'answered'::text, score ->> 'model_version');
    RETURN ROW('answered'::text, jsonb_build_object(
        'line', line, 'claim_id', found.claim_id,
        'status', CASE WHEN decision IS NOT NULL THEN 'decided' WHEN score IS NOT NULL THEN 'scored' ELSE 'received' END,
        'score', score, 'decision', decision));
END
$$;
COMMENT ON FUNCTION claimwatch.api_claim_status IS
    'Returns how far a claim is, its score and the decision; nothing else of the claim. For machines: IAM has decided who may ask.';

CREATE FUNCTION claimwatch.api_models(line text, actor text, purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    allowed text[] := claimwatch.purposes_of(line);
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'v1'::text, 'models.list'::text, line, NULL::text, request_id);
    ELSIF NOT EXISTS (SELECT FROM claimwatch.contract AS c WHERE c.line = line AND c.status = 'applied') THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'v1'::text, 'models.list'::text, line, NULL::text, purpose,
                                    request_id);
    END IF;
    PERFORM claimwatch.record_access(actor, 'v1'::text, 'models.list'::text, line, NULL::text, purpose, NULL::text,
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object('line', line, 'models', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'version', m.version, 'status', m.status, 'created_at', m.created_at,
                   'contract_version', m.contract_version, 'sha256', m.bundle_sha256, 'as_of', m.as_of,
                   'refused_because', m.refused_because,
                   'roles', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', l.role, 'since', l.since)
                                                       ORDER BY l.role), '[]')
                             FROM claimwatch.live_model AS l WHERE l.line = m.line AND l.version = m.version))
                   ORDER BY m.created_at DESC, m.version DESC), '[]')
        FROM claimwatch.model_version AS m WHERE m.line = line)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_models IS
    'Returns the models of a line, newest first, and which are live. For machines: IAM has decided who may ask.';

CREATE FUNCTION claimwatch.api_read_claim(
    line text, claim_id text, unmask boolean, actor text, groups text[], purpose text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    action   text := CASE WHEN unmask THEN 'claim.unmask' ELSE 'claim.read' END;
    readable text[] := claimwatch.lines_permitted(actor, groups, 'claim.read'::text);
    clear    text[] := claimwatch.lines_permitted(actor, groups, 'claim.unmask'::text);
    granted  boolean := coalesce(line = ANY (readable) OR '*' = ANY (readable), false);
    -- Of a line that is not granted, not even its purposes are told.
    allowed  text[] := claimwatch.purposes_of(CASE WHEN granted THEN line END);
    found    record;
    contract record;
    columns  jsonb;
    masked   text[];
    score    jsonb;
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'app'::text, action, line, claim_id, request_id);
    ELSIF readable = '{}' THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, action, line, claim_id, purpose, request_id);
    ELSIF NOT granted THEN
        RETURN claimwatch.not_found('not granted'::text, actor, 'app'::text, action, line, claim_id, purpose, request_id);
    END IF;
    SELECT * INTO found FROM claimwatch.find_claim(line, claim_id);
    IF found.claim_id IS NULL THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'app'::text, action, line, claim_id, purpose, request_id);
    ELSIF unmask AND (line = ANY (clear) OR '*' = ANY (clear)) IS NOT TRUE THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, action, line, claim_id, purpose, request_id);
    END IF;
    SELECT * INTO contract FROM claimwatch.running_contract(line);
    -- Columns that the contract does not name are not shown. Without a compiled contract, none is. A column is masked
    -- unless its contract says that it is neither personal nor hashed.
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', n.name, 'masked', n.secret,
                                                 'value', CASE WHEN NOT n.secret THEN found.claim -> n.name END)
                              ORDER BY n.place), '[]'),
           coalesce(array_agg(n.name ORDER BY n.place) FILTER (WHERE n.secret), '{}')
    INTO columns, masked
    FROM (
        SELECT c.described ->> 'name' AS name, c.place,
               unmask IS NOT TRUE AND (
                   coalesce(c.described -> 'personal' <> 'false', true)
                   OR coalesce(c.described -> 'hashed' <> 'false', true)
                   OR coalesce((contract.columns -> (c.described ->> 'name') ->> 'hashed')::boolean, false)
               ) AS secret
        FROM jsonb_array_elements(
            CASE WHEN jsonb_typeof(contract.compiled -> 'columns') = 'array' THEN contract.compiled -> 'columns'
                 ELSE '[]' END
        ) WITH ORDINALITY AS c (described, place)
    ) AS n
    WHERE n.name NOT IN ('extra', 'file_id', 'row_number');
    score := claimwatch.current_score(line, found.claim_id, found.file_id);
    IF jsonb_typeof(score -> 'reasons') = 'array' THEN
        -- A reason quotes the value of its column, and is called like the column or like a part of a date.
        score := jsonb_set(score, '{reasons}', (
            SELECT coalesce(jsonb_agg(
                       CASE WHEN EXISTS (SELECT FROM unnest(masked) AS m
                                         WHERE r.reason ->> 'feature' = m
                                            OR starts_with(r.reason ->> 'feature', m || '.'))
                            THEN r.reason - 'text' - 'value' || '{"value": null, "masked": true}' ELSE r.reason END
                       ORDER BY r.place), '[]')
            FROM jsonb_array_elements(score -> 'reasons') WITH ORDINALITY AS r (reason, place)));
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, action, line, found.claim_id, purpose, NULL::text, request_id,
                                     'answered'::text, score ->> 'model_version');
    RETURN ROW('answered'::text, jsonb_build_object(
        'line', line, 'claim_id', found.claim_id, 'contract_version', contract.version,
        'columns', columns, 'masked', to_jsonb(masked), 'score', score,
        'decision', claimwatch.current_decision(line, found.claim_id),
        'received_at', (SELECT f.received_at FROM claimwatch.file AS f WHERE f.file_id = found.file_id)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_read_claim IS
    'Returns a claim with its score and decision, for a person. Personal and hashed columns are masked unless the person may unmask them.';

CREATE FUNCTION claimwatch.api_audit(
    filters jsonb, most integer, actor text, groups text[], purpose text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    visible text[] := claimwatch.lines_permitted(actor, groups, 'audit.read'::text);
    allowed text[] := claimwatch.default_purposes();
    asked   text := filters::text;
    since   timestamptz;
    until   timestamptz;
    before  bigint;
    page    integer := greatest(1, least(coalesce(most, 100), 500));
    events  jsonb;
    listed  integer;
    last    bigint;
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'app'::text, 'audit.list'::text, NULL::text, asked, request_id);
    ELSIF visible = '{}' THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, 'audit.list'::text, NULL::text, asked, purpose,
                                 request_id);
    END IF;
    BEGIN
        since := (filters ->> 'since')::timestamptz;
        until := (filters ->> 'until')::timestamptz;
        before := (filters ->> 'cursor')::bigint;
    EXCEPTION WHEN data_exception THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, 'audit.list'::text, NULL::text, asked, purpose,
                                 request_id);
    END;
    SELECT coalesce(jsonb_agg(to_jsonb(e) ORDER BY e.at DESC, e.seq DESC), '[]'), count(*),
           (array_agg(e.seq ORDER BY e.at, e.seq))[1]
    INTO events, listed, last
    FROM claimwatch.list_events(
        filters ->> 'claim', filters ->> 'line', filters ->> 'model', filters ->> 'actor', filters ->> 'purpose',
        filters ->> 'action', since, until, before, CASE WHEN '*' = ANY (visible) THEN NULL ELSE visible END, page
    ) AS e;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'audit.list'::text, filters ->> 'line', asked, purpose, NULL::text,
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object('events', events, 'cursor',
                                              CASE WHEN listed = page THEN last::text END));
END
$$;
COMMENT ON FUNCTION claimwatch.api_audit IS
    'Returns access events, newest first, for a person; cursor is where the next page begins, null on the last.';

CREATE FUNCTION claimwatch.api_permissions(actor text, purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    allowed text[] := claimwatch.default_purposes();
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'v1'::text, 'permissions.list'::text, NULL::text, NULL::text,
                                         request_id);
    END IF;
    PERFORM claimwatch.record_access(actor, 'v1'::text, 'permissions.list'::text, NULL::text, NULL::text, purpose,
                                     NULL::text, request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object(
        'permissions', (SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.grantee, p.permission, p.line), '[]')
                        FROM claimwatch.permission AS p),
        'conflicts', (SELECT jsonb_agg(jsonb_build_array(c.one, c.other)) FROM claimwatch.conflicts_of_duties() AS c),
        'separation_of_duties', CASE WHEN claimwatch.duties_are_separated() THEN 'enforced' ELSE 'relaxed' END));
END
$$;
COMMENT ON FUNCTION claimwatch.api_permissions IS 'Returns all granted permissions. For machines: IAM has decided who may ask.';

CREATE FUNCTION claimwatch.api_grant(
    grantee text, permission text, line text, why text, actor text, purpose text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    allowed   text[] := claimwatch.default_purposes();
    separated boolean;
    other     text;
    object    text := concat_ws(' ', grantee, permission);
    reason    text;
    known     boolean := line = '*' OR EXISTS (SELECT FROM claimwatch.contract AS c
                                                WHERE c.line = line AND c.status = 'applied');
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'v1'::text, 'permission.grant'::text, line, object, request_id);
    ELSIF coalesce(grantee, '') = '' OR coalesce(permission, '') = '' OR coalesce(line, '') = ''
          OR length(coalesce(btrim(why), '')) NOT BETWEEN 1 AND 2000 THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'v1'::text, 'permission.grant'::text, line, object, purpose,
                                 request_id);
    END IF;
    -- One change at a time: two grants at once must not make a conflicting pair.
    PERFORM pg_advisory_xact_lock(7010007);
    separated := claimwatch.duties_are_separated();
    SELECT CASE permission WHEN c.one THEN c.other ELSE c.one END INTO other
    FROM claimwatch.conflicts_of_duties() AS c
    JOIN claimwatch.permission AS p
      ON p.grantee = grantee AND p.permission = CASE permission WHEN c.one THEN c.other ELSE c.one END
    WHERE permission IN (c.one, c.other) LIMIT 1;
    IF other IS NOT NULL AND separated THEN
        PERFORM claimwatch.record_access(actor, 'v1'::text, 'permission.grant'::text, line, object, purpose,
                                         'conflict with ' || other, request_id, 'refused'::text, NULL::text);
        RETURN ROW('refused'::text, jsonb_build_object('code', 'conflict', 'conflicts_with', other));
    END IF;
    BEGIN
        INSERT INTO claimwatch.permission AS p (grantee, permission, line, granted_by, why)
        VALUES (grantee, permission, line, left(actor, 500), why)
        ON CONFLICT DO NOTHING;
    EXCEPTION WHEN check_violation OR not_null_violation THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'v1'::text, 'permission.grant'::text, line, object, purpose,
                                 request_id);
    END;
    reason := CASE WHEN separated THEN why ELSE 'duties are relaxed: ' || why END;
    PERFORM claimwatch.record_access(actor, 'v1'::text, 'permission.grant'::text, line, object, purpose, reason, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, (
        SELECT to_jsonb(p) || jsonb_build_object('warning', CASE WHEN NOT known THEN
                   'no contract of this line was applied: the permission has no effect until one is' END)
        FROM claimwatch.permission AS p
        WHERE p.grantee = grantee AND p.permission = permission AND p.line = line));
END
$$;
COMMENT ON FUNCTION claimwatch.api_grant IS
    'Grants a permission to a group or a person, and returns the grant, with a warning if the line is unknown; an earlier equal one stays as it is. For machines.';

CREATE FUNCTION claimwatch.api_revoke(
    grantee text, permission text, line text, why text, actor text, purpose text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    allowed text[] := claimwatch.default_purposes();
    object  text := concat_ws(' ', grantee, permission);
    revoked jsonb;
BEGIN
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(allowed, actor, 'v1'::text, 'permission.revoke'::text, line, object, request_id);
    ELSIF coalesce(grantee, '') = '' OR coalesce(permission, '') = '' OR coalesce(line, '') = ''
          OR length(coalesce(btrim(why), '')) NOT BETWEEN 1 AND 2000 THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'v1'::text, 'permission.revoke'::text, line, object, purpose,
                                 request_id);
    END IF;
    PERFORM pg_advisory_xact_lock(7010007);
    DELETE FROM claimwatch.permission AS p
    WHERE p.grantee = grantee AND p.permission = permission AND p.line = line
    RETURNING to_jsonb(p) INTO revoked;
    IF revoked IS NULL THEN
        RETURN claimwatch.not_found('not granted'::text, actor, 'v1'::text, 'permission.revoke'::text, line, object, purpose,
                                    request_id);
    END IF;
    PERFORM claimwatch.record_access(actor, 'v1'::text, 'permission.revoke'::text, line, object, purpose, why, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, revoked);
END
$$;
COMMENT ON FUNCTION claimwatch.api_revoke IS 'Revokes a permission, and returns what was granted. For machines.';

CREATE FUNCTION claimwatch.api_refused(
    action text, line text, object text, actor text, via text, purpose text, request_id text, reason text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
BEGIN
    RETURN claimwatch.refuse(
        coalesce(reason, 'refused'), actor, CASE WHEN via = 'app' THEN 'app' ELSE 'v1' END,
        CASE WHEN action ~ '^[a-z_]{1,40}(\.[a-z_]{1,40})?$' THEN action ELSE 'unknown' END,
        line, object, CASE WHEN purpose = ANY (claimwatch.purposes_of(line)) THEN purpose END, request_id);
END
$$;
COMMENT ON FUNCTION claimwatch.api_refused IS
    'Adds the event of a request that was refused before it reached another function; reason is the code of the answer.';

-- ── Who may run what ─────────────────────────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE
    item record;
BEGIN
    -- Whoever owns a function needs this right at that moment, and not afterwards.
    GRANT CREATE ON SCHEMA claimwatch TO claimwatch_api_definer;
    FOR item IN
        SELECT p.oid::regprocedure AS signature, p.prosecdef AND starts_with(p.proname::text, 'api_') AS door
        FROM pg_proc AS p
        WHERE p.pronamespace = 'claimwatch'::regnamespace AND (
            starts_with(p.proname::text, 'api_') OR p.proname IN (
                'default_purposes', 'running_contract', 'purposes_of', 'conflicts_of_duties', 'duties_are_separated',
                'held_permissions', 'conflicts_held', 'effective_permissions', 'lines_permitted', 'record_access',
                'refuse', 'refuse_purpose', 'not_found', 'find_claim', 'current_score', 'current_decision',
                'list_events'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', item.signature);
        IF item.door THEN
            EXECUTE format('ALTER FUNCTION %s OWNER TO claimwatch_api_definer', item.signature);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO claimwatch_api', item.signature);
        ELSE
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO claimwatch_api_definer', item.signature);
        END IF;
    END LOOP;
    REVOKE CREATE ON SCHEMA claimwatch FROM claimwatch_api_definer;
    REVOKE USAGE ON TYPE claimwatch.api_answer FROM PUBLIC;
    GRANT USAGE ON TYPE claimwatch.api_answer TO claimwatch_api, claimwatch_api_definer;
END
$$;
GRANT EXECUTE ON FUNCTION claimwatch.list_events TO claimwatch_audit;
