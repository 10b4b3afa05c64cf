-- The claim of a case: its personal values, its photos, and what the model would say if it were different. Each function
-- is one access event, as those of 0027_case_api.sql; 0038_desk.sql has what the functions of the desk share.

GRANT SELECT (image_id, event_id, key, sequencer, format, width, height, taken_at, taken_at_local, latitude, longitude,
              received_at, thumbnail, display)
    ON claimwatch.current_claim_image TO claimwatch_api_definer;

-- The records of what-ifs, whose access events are those of the people who ask.
ALTER TABLE claimwatch.score_request DROP CONSTRAINT score_request_action_check;
ALTER TABLE claimwatch.score_request
    ADD CONSTRAINT score_request_action_check CHECK (action IN ('score', 'claims.submit', 'what_if')) NOT VALID;
COMMENT ON COLUMN claimwatch.score_request.actor IS
    'The verified identity of the caller: an ARN, or of a what-if the name of the person who asked.';

-- ── What the functions share ─────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.event_of_claim(of_line text, of_claim text, claim jsonb) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN c.compiled ->> 'event' IS NULL THEN of_claim ELSE claim ->> (c.compiled ->> 'event') END
    FROM claimwatch.running_contract(of_line) AS c;
$$;
COMMENT ON FUNCTION claimwatch.event_of_claim IS
    'Returns the event id under which photos of a claim are dropped; null if the claim has none.';

CREATE FUNCTION claimwatch.also_used(of_image bigint, lines text[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('line', l.line, 'claim_id', u.claim_id, 'case_id', r.case_id,
                                                 'distance', m.distance)
                              ORDER BY m.distance, l.line, u.claim_id COLLATE "C"), '[]')
    FROM (
        SELECT n.event_id, min(n.distance) AS distance
        FROM (SELECT a.other_event_id AS event_id, a.distance FROM claimwatch.image_match AS a WHERE a.image_id = of_image
              UNION ALL
              SELECT b.event_id, b.distance FROM claimwatch.image_match AS b WHERE b.other_image_id = of_image) AS n
        GROUP BY n.event_id ORDER BY min(n.distance), n.event_id LIMIT 50
    ) AS m
    CROSS JOIN (SELECT DISTINCT c.line FROM claimwatch.contract AS c
                WHERE c.status = 'applied' AND (c.line = ANY (lines) OR '*' = ANY (lines))) AS l
    CROSS JOIN LATERAL claimwatch.claims_of_events(l.line, ARRAY[m.event_id]) AS u
    LEFT JOIN claimwatch.review_case AS r ON r.line = l.line AND r.claim_id = u.claim_id;
$$;
COMMENT ON FUNCTION claimwatch.also_used IS
    'Returns the claims of these lines that have the same or nearly the same photo, of at most 50 events.';

-- ── The functions of the API ─────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.api_unmask(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    action   CONSTANT text := 'claim.unmask';
    begun    record;
    of_case  claimwatch.review_case;
    readable text[] := claimwatch.lines_permitted(actor, groups, 'claim.read'::text);
    reason   text := btrim(asked ->> 'reason');
    found    record;
    contract record;
    columns  jsonb;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, action, 'claim.unmask'::text,
                                                   false);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    of_case := begun.of_case;
    IF (of_case.line = ANY (readable) OR '*' = ANY (readable)) IS NOT TRUE THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                 request_id);
    ELSIF length(coalesce(reason, '')) NOT BETWEEN 1 AND 2000 THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                 request_id);
    END IF;
    SELECT * INTO found FROM claimwatch.find_claim(of_case.line, of_case.claim_id);
    IF found.claim_id IS NULL THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                    request_id);
    END IF;
    SELECT * INTO contract FROM claimwatch.running_contract(of_case.line);
    -- A hash stands for a value that nobody can show.
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'value', found.claim -> s.name) ORDER BY s.place), '[]')
    INTO columns
    FROM claimwatch.shown_columns(of_case.line, found.claim, false) AS s
    WHERE s.masked AND s.described -> 'hashed' = 'false'
      AND NOT coalesce((contract.columns -> s.name ->> 'hashed')::boolean, false);
    PERFORM claimwatch.record_access(actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose, reason, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object('columns', columns));
END
$$;
COMMENT ON FUNCTION claimwatch.api_unmask IS
    'Returns the personal values of the claim of a case that are not stored as hashes, for a person who says why.';

CREATE FUNCTION claimwatch.api_what_if(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    action     CONSTANT text := 'claim.what_if';
    begun      record;
    of_case    claimwatch.review_case;
    found      record;
    contract   record;
    changes    jsonb := asked -> 'changes';
    scored     text[];
    changeable text[];
    masked     text[];
    claim      jsonb;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, action, 'claim.read'::text,
                                                   false);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    of_case := begun.of_case;
    IF of_case.blinded AND claimwatch.is_undecided(of_case) THEN
        RETURN claimwatch.refuse('blinded'::text, actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                 request_id);
    END IF;
    SELECT * INTO found FROM claimwatch.find_claim(of_case.line, of_case.claim_id);
    IF found.claim_id IS NULL THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                    request_id);
    END IF;
    SELECT * INTO contract FROM claimwatch.running_contract(of_case.line);
    -- The columns that a score can depend on (domain/contract/stored_claims.py), and those of them that may be changed.
    SELECT coalesce(array_agg(s.name) FILTER (WHERE s.scored), '{}'),
           coalesce(array_agg(s.name) FILTER (WHERE s.scored AND s.described -> 'what_if' = 'true'), '{}'),
           coalesce(array_agg(s.name) FILTER (WHERE s.masked), '{}')
    INTO scored, changeable, masked
    FROM (SELECT c.*, coalesce(c.described ->> 'role' IN ('identifier', 'event_time', 'feature')
                               AND c.described -> 'hashed' = 'false'
                               AND NOT coalesce((contract.columns -> c.name ->> 'hashed')::boolean, false), false) AS scored
          FROM claimwatch.shown_columns(of_case.line, found.claim, false) AS c) AS s;
    IF jsonb_typeof(changes) IS DISTINCT FROM 'object' OR changes = '{}'
       OR EXISTS (SELECT FROM jsonb_each(changes) AS e
                  WHERE e.key <> ALL (changeable) OR jsonb_typeof(e.value) IN ('object', 'array')) THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                 request_id);
    END IF;
    SELECT jsonb_object_agg(e.key, e.value) INTO claim FROM jsonb_each(found.claim) AS e WHERE e.key = ANY (scored);
    PERFORM claimwatch.record_access(actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                     'changes ' || (SELECT string_agg(n, ', ' ORDER BY n)
                                                    FROM jsonb_object_keys(changes) AS n),
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object(
        'line', of_case.line, 'claims', jsonb_build_array(claim, claim || changes), 'masked', to_jsonb(masked)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_what_if IS
    'Returns the values of the claim of a case that a score needs, as they are and as a person wants to change them, for the code that asks the model and shows only its answer.';

CREATE FUNCTION claimwatch.api_photos(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    action   CONSTANT text := 'photo.list';
    -- An answer has at most 6 MB, and a thumbnail up to 60 kB.
    most     CONSTANT integer := 60;
    readable text[] := claimwatch.lines_permitted(actor, groups, 'claim.read'::text);
    begun    record;
    of_case  claimwatch.review_case;
    found    record;
    event    text;
    happened text;
    photos   jsonb;
    total    bigint;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, action, 'photo.view'::text,
                                                   false);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    of_case := begun.of_case;
    SELECT * INTO found FROM claimwatch.find_claim(of_case.line, of_case.claim_id);
    event := claimwatch.event_of_claim(of_case.line, found.claim_id, found.claim);
    SELECT found.claim ->> s.name INTO happened
    FROM claimwatch.shown_columns(of_case.line, found.claim, false) AS s WHERE s.described ->> 'role' = 'event_time';
    SELECT count(*) INTO total FROM claimwatch.current_claim_image AS i WHERE i.event_id = event;
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'image_id', p.image_id, 'name', regexp_replace(p.key, '^.*/', ''), 'width', p.width, 'height', p.height,
               'format', p.format, 'taken_at', p.taken_at, 'taken_at_local', p.taken_at_local, 'latitude', p.latitude,
               'longitude', p.longitude, 'received_at', p.received_at,
               'thumbnail', translate(encode(p.thumbnail, 'base64'), E'\n', ''),
               'matches', (SELECT count(*) FROM claimwatch.image_match AS m
                           WHERE m.image_id = p.image_id OR m.other_image_id = p.image_id),
               'also_used', claimwatch.also_used(p.image_id, readable))
               ORDER BY p.received_at, p.sequencer, p.image_id), '[]')
    INTO photos
    FROM (SELECT i.image_id, i.key, i.sequencer, i.format, i.width, i.height, i.taken_at, i.taken_at_local, i.latitude,
                 i.longitude, i.received_at, i.thumbnail
          FROM claimwatch.current_claim_image AS i WHERE i.event_id = event
          ORDER BY i.received_at, i.sequencer, i.image_id LIMIT most) AS p;
    PERFORM claimwatch.record_access(actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose, NULL::text,
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object(
        'photos', photos, 'more', greatest(total - most, 0), 'happened', happened,
        'received_at', (SELECT f.received_at FROM claimwatch.file AS f WHERE f.file_id = found.file_id)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_photos IS
    'Returns the current photos of the claim of a case with thumbnails, and when the claim happened and was received, from which the code sees what is odd.';

CREATE FUNCTION claimwatch.api_photo(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    action  CONSTANT text := 'photo.view';
    begun   record;
    of_case claimwatch.review_case;
    found   record;
    picture bytea;
    wanted  bigint;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, action, 'photo.view'::text,
                                                   false);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    of_case := begun.of_case;
    IF pg_input_is_valid(asked ->> 'image_id', 'bigint') THEN
        wanted := (asked ->> 'image_id')::bigint;
    END IF;
    SELECT * INTO found FROM claimwatch.find_claim(of_case.line, of_case.claim_id);
    SELECT i.display INTO picture FROM claimwatch.current_claim_image AS i
    WHERE i.image_id = wanted
      AND i.event_id = claimwatch.event_of_claim(of_case.line, found.claim_id, found.claim);
    IF picture IS NULL THEN
        RETURN claimwatch.not_found('unknown'::text, actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                    request_id);
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, action, of_case.line, of_case.claim_id, purpose,
                                     'photo ' || wanted, request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object('content', translate(encode(picture, 'base64'), E'\n', '')));
END
$$;
COMMENT ON FUNCTION claimwatch.api_photo IS
    'Returns the display copy of a current photo of the claim of a case, in base64.';

DO $$
DECLARE
    item record;
BEGIN
    GRANT CREATE ON SCHEMA claimwatch TO claimwatch_api_definer;
    FOR item IN
        SELECT p.oid::regprocedure AS signature, p.prosecdef AS door
        FROM pg_proc AS p
        WHERE p.pronamespace = 'claimwatch'::regnamespace AND p.proname IN (
            'api_unmask', 'api_what_if', 'api_photos', 'api_photo', 'event_of_claim', 'also_used')
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
END
$$;
