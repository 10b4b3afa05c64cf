-- A column is masked unless its contract says that it is neither personal nor hashed: a compiled form that lacks the
-- answer must not show a name.

CREATE OR REPLACE FUNCTION claimwatch.api_read_claim(
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
    -- Columns that the contract does not name are not shown. Without a compiled contract, none is.
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
