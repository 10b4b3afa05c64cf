-- A case says how many claims are linked with its claim.

CREATE OR REPLACE FUNCTION claimwatch.count_links(of_line text, of_claim text) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT claimwatch.linked_claims(of_line, of_claim);
$$;
