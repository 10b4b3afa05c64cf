-- A permission may be granted before the line exists. The answer warns of it, because the name may be misspelt.

CREATE OR REPLACE FUNCTION claimwatch.api_grant(
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
