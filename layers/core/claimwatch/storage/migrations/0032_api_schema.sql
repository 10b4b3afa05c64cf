-- The number of the last migration, for a new version of the API, which is asked for it before it gets traffic
-- (functions/releases/check_case_api). It says nothing of a claim, so it is no access event.

GRANT SELECT (number) ON claimwatch.migration TO claimwatch_api_definer;

CREATE FUNCTION claimwatch.api_schema() RETURNS claimwatch.api_answer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'answered'::text, jsonb_build_object('version', max(m.number)) FROM claimwatch.migration AS m;
$$;
COMMENT ON FUNCTION claimwatch.api_schema IS 'Returns the number of the last migration. For the code itself: no route calls it.';

GRANT CREATE ON SCHEMA claimwatch TO claimwatch_api_definer;
ALTER FUNCTION claimwatch.api_schema() OWNER TO claimwatch_api_definer;
REVOKE CREATE ON SCHEMA claimwatch FROM claimwatch_api_definer;
REVOKE EXECUTE ON FUNCTION claimwatch.api_schema() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claimwatch.api_schema() TO claimwatch_api;
