-- The desk: the functions by which people work on cases. Each has the signature (asked, actor, groups, purpose,
-- request_id), where asked has all fields of the request, and is one access event, as those of 0027_case_api.sql.
-- Those that people wait for between two cases use generic plans: planning the first five calls of a connection anew, as
-- PostgreSQL does otherwise, takes longer than the calls.

-- ── What is fixed ────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.lease_time() RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT interval '15 minutes'; $$;
COMMENT ON FUNCTION claimwatch.lease_time IS 'Returns how long a case is held unless the lease is renewed.';

CREATE FUNCTION claimwatch.undo_time() RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT interval '15 seconds'; $$;
COMMENT ON FUNCTION claimwatch.undo_time IS
    'Returns how long a decision can be undone; a page shows five seconds less, for the request on its way.';

-- ── The claim of a case, as a person may see it ──────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.shown_columns(of_line text, claim jsonb, unmask boolean)
RETURNS TABLE (place bigint, name text, masked boolean, value jsonb, described jsonb)
LANGUAGE sql STABLE ROWS 50 SET search_path = pg_catalog, pg_temp AS $$
    -- Columns that the contract does not name are not shown. Without a compiled contract, none is. A column is masked
    -- unless its contract says that it is neither personal nor hashed.
    SELECT n.place, n.name, n.secret, CASE WHEN NOT n.secret THEN claim -> n.name END, n.described
    FROM (
        SELECT d.place, d.described ->> 'name' AS name, d.described,
               unmask IS NOT TRUE AND (
                   coalesce(d.described -> 'personal' <> 'false', true)
                   OR coalesce(d.described -> 'hashed' <> 'false', true)
                   OR coalesce((c.columns -> (d.described ->> 'name') ->> 'hashed')::boolean, false)
               ) AS secret
        -- Decompressed once, and not again for each column.
        FROM (SELECT r.columns || '{}' AS columns,
                     CASE WHEN jsonb_typeof(r.compiled -> 'columns') = 'array' THEN r.compiled -> 'columns' ELSE '[]' END
                         AS described
              FROM claimwatch.running_contract(of_line) AS r OFFSET 0) AS c,
             jsonb_array_elements(c.described) WITH ORDINALITY AS d (described, place)
    ) AS n
    WHERE n.name NOT IN ('extra', 'file_id', 'row_number');
$$;
COMMENT ON FUNCTION claimwatch.shown_columns IS
    'Returns the columns of a claim in the order of the contract, each with its description there. Personal and hashed ones have no value unless they are unmasked.';

CREATE FUNCTION claimwatch.shown_reasons(reasons jsonb, masked text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    -- A reason quotes the value of its column, and is called like the column or like a part of a date.
    SELECT coalesce(jsonb_agg(
               CASE WHEN EXISTS (SELECT FROM unnest(masked) AS m
                                 WHERE r.reason ->> 'feature' = m OR starts_with(r.reason ->> 'feature', m || '.'))
                    THEN r.reason - 'text' - 'value' || '{"value": null, "masked": true}' ELSE r.reason END
               ORDER BY r.place), '[]')
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(reasons) = 'array' THEN reasons ELSE '[]' END)
         WITH ORDINALITY AS r (reason, place);
$$;
COMMENT ON FUNCTION claimwatch.shown_reasons IS 'Returns reasons without what they quote of masked columns.';

CREATE FUNCTION claimwatch.is_undecided(of_case claimwatch.review_case) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT of_case.state <> 'settled'
           AND NOT (of_case.state = 'decided' AND of_case.closed_at <= clock_timestamp() - claimwatch.undo_time());
$$;
COMMENT ON FUNCTION claimwatch.is_undecided IS
    'Returns whether a case can still be decided, be it by undoing its decision: until then, nothing tells why it is a case.';

CREATE OR REPLACE FUNCTION claimwatch.api_read_claim(
    line text, claim_id text, unmask boolean, actor text, groups text[], purpose text, request_id text
) RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    action    text := CASE WHEN unmask THEN 'claim.unmask' ELSE 'claim.read' END;
    readable  text[] := claimwatch.lines_permitted(actor, groups, 'claim.read'::text);
    clear     text[] := claimwatch.lines_permitted(actor, groups, 'claim.unmask'::text);
    granted   boolean := coalesce(line = ANY (readable) OR '*' = ANY (readable), false);
    -- Of a line that is not granted, not even its purposes are told.
    allowed   text[] := claimwatch.purposes_of(CASE WHEN granted THEN line END);
    found     record;
    contract  record;
    columns   jsonb;
    masked    text[];
    score     jsonb;
    undecided boolean;
    blinded   boolean;
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
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', s.name, 'masked', s.masked, 'value', s.value) ORDER BY s.place), '[]'),
           coalesce(array_agg(s.name ORDER BY s.place) FILTER (WHERE s.masked), '{}')
    INTO columns, masked
    FROM claimwatch.shown_columns(line, found.claim, unmask) AS s;
    SELECT claimwatch.is_undecided(c), c.blinded AND claimwatch.is_undecided(c) INTO undecided, blinded
    FROM claimwatch.review_case AS c WHERE c.line = line AND c.claim_id = found.claim_id;
    IF blinded IS NOT TRUE THEN
        score := claimwatch.current_score(line, found.claim_id, found.file_id);
        IF jsonb_typeof(score -> 'reasons') = 'array' THEN
            score := jsonb_set(score, '{reasons}', claimwatch.shown_reasons(score -> 'reasons', masked));
        END IF;
        IF undecided THEN
            score := score - 'referred';
        END IF;
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, action, line, found.claim_id, purpose, NULL::text, request_id,
                                     'answered'::text, score ->> 'model_version');
    RETURN ROW('answered'::text, jsonb_build_object(
        'line', line, 'claim_id', found.claim_id, 'contract_version', contract.version,
        'columns', columns, 'masked', to_jsonb(masked), 'score', score, 'blinded', coalesce(blinded, false),
        'decision', claimwatch.current_decision(line, found.claim_id),
        'received_at', (SELECT f.received_at FROM claimwatch.file AS f WHERE f.file_id = found.file_id)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_read_claim IS
    'Returns a claim with its score and decision, for a person. Personal and hashed columns are masked unless the person may unmask them. The score of a blinded case is hidden until the case is decided.';

-- "Who saw this claim?" includes its case and its photos.
CREATE OR REPLACE FUNCTION claimwatch.list_events(
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
               ' AND (e.action = ''score'' OR e.action ~ ''^(claim|case|photo)\.'')' END
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

-- ── A case, as a person may see it ───────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.decision_document(of_decision claimwatch.decision, actor text, hidden boolean) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT jsonb_build_object(
        'decision_id', of_decision.decision_id,
        'verdict', CASE WHEN NOT n.hidden THEN of_decision.verdict END,
        'grounds', CASE WHEN n.hidden THEN '[]' ELSE to_jsonb(of_decision.grounds) END,
        'note', CASE WHEN NOT n.hidden THEN of_decision.note END,
        'by', of_decision.by, 'at', of_decision.at, 'final', of_decision.final, 'second_of', of_decision.second_of,
        'undone', n.undone,
        'undo_until', CASE WHEN NOT n.undone AND of_decision.by = actor
                                AND of_decision.at > clock_timestamp() - claimwatch.undo_time()
                           THEN of_decision.at + claimwatch.undo_time() - interval '5 seconds' END)
    FROM (SELECT hidden AND of_decision.by <> actor AS hidden,
                 EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = of_decision.decision_id) AS undone
         ) AS n;
$$;
COMMENT ON FUNCTION claimwatch.decision_document IS
    'Returns a decision; verdict, grounds and note of somebody else''s are left out if they are hidden.';

CREATE FUNCTION claimwatch.lease_document(of_case claimwatch.review_case, actor text) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT CASE WHEN of_case.lease_until > clock_timestamp() THEN jsonb_build_object(
        'holder', of_case.holder, 'mine', of_case.holder = actor, 'until', of_case.lease_until,
        'generation', of_case.generation) END;
$$;
COMMENT ON FUNCTION claimwatch.lease_document IS 'Returns who holds a case until when; null if nobody does.';

CREATE FUNCTION claimwatch.shown_score(of_case claimwatch.review_case, file_id bigint, masked text[]) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    score jsonb;
BEGIN
    IF of_case.blinded AND claimwatch.is_undecided(of_case) THEN
        RETURN NULL;
    END IF;
    score := claimwatch.current_score(of_case.line, of_case.claim_id, file_id) - 'referred';
    RETURN score || jsonb_build_object('reasons', claimwatch.shown_reasons(score -> 'reasons', masked));
END
$$;
COMMENT ON FUNCTION claimwatch.shown_score IS
    'Returns the newest score of a case as a person sees it: nothing while it is blinded, and no text of masked columns.';

CREATE FUNCTION claimwatch.count_links(of_line text, of_claim text) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT 0::bigint; $$;
COMMENT ON FUNCTION claimwatch.count_links IS 'Returns how many claims share a value or a photo with a claim.';

CREATE FUNCTION claimwatch.count_photos(of_line text, of_claim text, claim jsonb) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM claimwatch.current_claim_image AS i
    WHERE i.event_id = claimwatch.event_of_claim(of_line, of_claim, claim);
$$;
COMMENT ON FUNCTION claimwatch.count_photos IS 'Returns how many photos a claim has.';

CREATE FUNCTION claimwatch.contract_bound(bound jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN bound ? 'decimal' THEN to_jsonb((bound ->> 'decimal')::numeric)
                ELSE coalesce(bound -> 'date', bound -> 'moment') END
    WHERE jsonb_typeof(bound) = 'object';
$$;
COMMENT ON FUNCTION claimwatch.contract_bound IS
    'Returns a bound of a compiled contract as a number or as text; null if there is none.';

CREATE FUNCTION claimwatch.case_document(of_case claimwatch.review_case, actor text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    undecided boolean := claimwatch.is_undecided(of_case);
    terms     record;
    found     record;
    masked    text[];
    groups    jsonb;
    score     jsonb;
BEGIN
    SELECT * INTO terms FROM claimwatch.review_terms(of_case.line);
    SELECT * INTO found FROM claimwatch.find_claim(of_case.line, of_case.claim_id);
    WITH shown AS MATERIALIZED (
        SELECT * FROM claimwatch.shown_columns(of_case.line, found.claim, false)
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', g.name, 'columns', g.columns) ORDER BY g.place), '[]'),
           ARRAY(SELECT s.name FROM shown AS s WHERE s.masked ORDER BY s.place)
    INTO groups, masked
    FROM (
        SELECT coalesce(s.described ->> 'group', 'Claim') AS name, min(s.place) AS place,
               jsonb_agg(jsonb_build_object(
                   'name', s.name, 'description', coalesce(s.described ->> 'description', ''),
                   'kind', s.described ->> 'logical_type', 'value', s.value, 'masked', s.masked,
                   'what_if', coalesce(s.described -> 'what_if' = 'true', false),
                   'valid_values', coalesce(s.described -> 'valid_values', 'null'),
                   'minimum', claimwatch.contract_bound(s.described -> 'minimum'),
                   'maximum', claimwatch.contract_bound(s.described -> 'maximum')) ORDER BY s.place) AS columns
        FROM shown AS s
        GROUP BY coalesce(s.described ->> 'group', 'Claim')
    ) AS g;
    score := claimwatch.shown_score(of_case, found.file_id, masked);
    RETURN jsonb_build_object(
        'case_id', of_case.case_id, 'line', of_case.line, 'claim_id', of_case.claim_id, 'state', of_case.state,
        'version', of_case.version,
        'contract_version', (SELECT c.version FROM claimwatch.running_contract(of_case.line) AS c),
        'lease', claimwatch.lease_document(of_case, actor), 'assigned_to', of_case.assigned_to,
        'snoozed_until', CASE WHEN of_case.snoozed_until > clock_timestamp() THEN of_case.snoozed_until END,
        'opened_at', of_case.opened_at, 'due_at', of_case.due_at, 'amount', of_case.amount)
        || jsonb_build_object(
        'needs_second_look', coalesce(of_case.amount >= terms.second_look_above, false),
        'blinded', of_case.blinded AND undecided,
        'origin', CASE WHEN NOT undecided THEN of_case.origin END,
        'score', score,
        'similar', CASE WHEN score IS NOT NULL THEN claimwatch.similar_decided(of_case.line, ARRAY(
            SELECT r.reason ->> 'feature' FROM jsonb_array_elements(score -> 'reasons') WITH ORDINALITY AS r (reason, place)
            ORDER BY r.place)) END,
        'grounds', to_jsonb(terms.grounds), 'groups', groups, 'masked', to_jsonb(masked),
        'decisions', (
            SELECT coalesce(jsonb_agg(claimwatch.decision_document(d, actor, of_case.closed_at IS NULL)
                                      ORDER BY d.at, d.generation), '[]')
            FROM claimwatch.decision AS d WHERE d.case_id = of_case.case_id),
        'outcome', claimwatch.current_decision(of_case.line, of_case.claim_id),
        -- What a score or an outcome did to an undecided case could tell a referral from an audit.
        'events', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('at', e.at, 'actor', e.actor, 'action', e.action, 'reason', e.reason)
                                      ORDER BY e.seq), '[]')
            FROM claimwatch.case_event AS e
            WHERE e.case_id = of_case.case_id AND NOT (undecided AND e.actor = 'claimwatch')),
        'photos', claimwatch.count_photos(of_case.line, of_case.claim_id, found.claim),
        'linked', claimwatch.count_links(of_case.line, of_case.claim_id),
        'received_at', (SELECT f.received_at FROM claimwatch.file AS f
                        WHERE f.file_id = coalesce(found.file_id, of_case.file_id)));
END
$$;
COMMENT ON FUNCTION claimwatch.case_document IS 'Returns a case with its claim, for a person.';

CREATE FUNCTION claimwatch.held_document(of_case claimwatch.review_case, actor text) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object('case_id', of_case.case_id, 'state', of_case.state, 'version', of_case.version,
                              'lease', claimwatch.lease_document(of_case, actor));
$$;
COMMENT ON FUNCTION claimwatch.held_document IS 'Returns the state of a case after an action.';

-- ── What the functions of the desk share ─────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.lines_with(
    actor text, groups text[], needed text[], purpose text, OUT permitted boolean, OUT granted text[], OUT lines text[],
    OUT allowed text[]
)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held text[] := ARRAY(SELECT e.line FROM claimwatch.effective_permissions(actor, groups) AS e
                         WHERE e.permission = ANY (needed));
BEGIN
    permitted := held <> '{}';
    granted := ARRAY(SELECT DISTINCT c.line FROM claimwatch.contract AS c
                     WHERE c.status = 'applied' AND (c.line = ANY (held) OR '*' = ANY (held)) ORDER BY 1);
    lines := ARRAY(SELECT l.line FROM unnest(granted) AS l (line) WHERE purpose = ANY (claimwatch.purposes_of(l.line)));
    allowed := ARRAY(SELECT DISTINCT p.purpose FROM unnest(granted) AS l (line), unnest(claimwatch.purposes_of(l.line))
                         AS p (purpose) ORDER BY 1);
    IF allowed = '{}' THEN
        allowed := claimwatch.default_purposes();
    END IF;
END
$$;
COMMENT ON FUNCTION claimwatch.lines_with IS
    'Returns the lines on which a person has one of these permissions, those of them that know the purpose, and the purposes of all of them.';

CREATE FUNCTION claimwatch.begin_case(
    asked jsonb, actor text, groups text[], purpose text, request_id text, action text, needed text, locked boolean,
    OUT of_case claimwatch.review_case, OUT refusal claimwatch.api_answer
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held    text[] := claimwatch.lines_permitted(actor, groups, needed);
    granted boolean;
    allowed text[];
    wanted  uuid;
    object  text := left(asked ->> 'case_id', 100);
BEGIN
    IF pg_input_is_valid(asked ->> 'case_id', 'uuid') THEN
        wanted := (asked ->> 'case_id')::uuid;
    END IF;
    IF locked THEN
        -- What a person does, and what is done to a case, happens one after the other.
        PERFORM pg_advisory_xact_lock(hashtextextended('claimwatch person ' || actor, 0));
        SELECT c.* INTO of_case FROM claimwatch.review_case AS c WHERE c.case_id = wanted FOR UPDATE;
    ELSE
        SELECT c.* INTO of_case FROM claimwatch.review_case AS c WHERE c.case_id = wanted;
    END IF;
    object := coalesce(of_case.claim_id, object);
    granted := coalesce(of_case.line = ANY (held) OR '*' = ANY (held), false);
    allowed := claimwatch.purposes_of(CASE WHEN granted THEN of_case.line END);
    IF purpose = ANY (allowed) IS NOT TRUE THEN
        refusal := claimwatch.refuse_purpose(allowed, actor, 'app'::text, action, of_case.line, object, request_id);
    ELSIF held = '{}' THEN
        refusal := claimwatch.refuse('forbidden'::text, actor, 'app'::text, action, of_case.line, object, purpose, request_id);
    ELSIF of_case.case_id IS NULL THEN
        refusal := claimwatch.not_found('unknown'::text, actor, 'app'::text, action, NULL::text, object, purpose, request_id);
    ELSIF NOT granted THEN
        refusal := claimwatch.not_found('not granted'::text, actor, 'app'::text, action, of_case.line, object, purpose,
                                        request_id);
    END IF;
END
$$;
COMMENT ON FUNCTION claimwatch.begin_case IS
    'Returns the case of a request, locked if need be, or the refusal of a person who may not do this with it.';

CREATE FUNCTION claimwatch.has_decided(of_case uuid, person text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM claimwatch.decision AS d
                   WHERE d.case_id = of_case AND d.by = person
                     AND NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id));
$$;
COMMENT ON FUNCTION claimwatch.has_decided IS 'Returns whether a person has decided a case in one of its looks.';

CREATE FUNCTION claimwatch.is_free() RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    -- Subqueries with one value are looked up for each case that is read, in an index; EXISTS could become a scan of all
    -- decisions, or of all that the person has skipped.
    SELECT 'c.closed_at IS NULL AND (c.lease_until IS NULL OR c.lease_until <= $2)
            AND (c.snoozed_until IS NULL OR c.snoozed_until <= $2)
            AND ((SELECT s.until FROM claimwatch.case_skip AS s WHERE s.case_id = c.case_id AND s.person = $1) > $2)
                IS NOT TRUE
            AND (c.state = ''open'' OR 0 = (
                SELECT count(*) FROM claimwatch.decision AS d
                WHERE d.case_id = c.case_id AND (d.by = $1 OR d.at > $2 - claimwatch.undo_time())
                  AND NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id)))';
$$;
COMMENT ON FUNCTION claimwatch.is_free IS
    'Returns the condition, in SQL, that case c can be handed out to person $1 at $2: nobody holds it, it is not snoozed, the person has neither skipped nor decided it, and the look before cannot be undone any more.';

CREATE FUNCTION claimwatch.count_waiting(lines text[], actor text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    waiting bigint;
    most    CONSTANT integer := 1000;
BEGIN
    EXECUTE 'SELECT count(*) FROM (
                 SELECT FROM claimwatch.review_case AS c
                 WHERE c.line = ANY ($3) AND (c.assigned_to IS NULL OR c.assigned_to = $1) AND ' || claimwatch.is_free()
            || ' LIMIT $4) AS w'
    INTO waiting USING actor, clock_timestamp(), lines, most;
    RETURN waiting;
END
$$;
COMMENT ON FUNCTION claimwatch.count_waiting IS
    'Returns how many cases can be handed out to a person; counting ends at 1,000.';

CREATE FUNCTION claimwatch.find_next(lines text[], actor text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    free   text := claimwatch.is_free();
    one    text;
    wanted uuid;
BEGIN
    SELECT c.case_id INTO wanted FROM claimwatch.review_case AS c
    WHERE c.holder = actor AND c.lease_until > moment AND c.line = ANY (lines)
    ORDER BY c.lease_until DESC, c.case_id LIMIT 1 FOR UPDATE;
    IF wanted IS NOT NULL THEN
        RETURN wanted;
    END IF;
    EXECUTE 'SELECT c.case_id FROM claimwatch.review_case AS c
             WHERE c.closed_at IS NULL AND c.assigned_to = $1 AND c.line = ANY ($3) AND ' || free
            || ' ORDER BY c.priority DESC, c.due_at, c.case_id LIMIT 1 FOR UPDATE OF c SKIP LOCKED'
    INTO wanted USING actor, moment, lines;
    IF wanted IS NOT NULL THEN
        RETURN wanted;
    END IF;
    -- The line with the first case comes first, and only a case that is handed out is locked.
    IF cardinality(lines) > 1 THEN
        EXECUTE 'SELECT array_agg(l.line ORDER BY h.priority DESC, h.due_at, h.case_id)
                 FROM unnest($3) AS l (line) CROSS JOIN LATERAL (
                     SELECT c.priority, c.due_at, c.case_id FROM claimwatch.review_case AS c
                     WHERE c.line = l.line AND c.closed_at IS NULL AND c.assigned_to IS NULL AND ' || free
                || ' ORDER BY c.priority DESC, c.due_at, c.case_id LIMIT 1) AS h'
        INTO lines USING actor, moment, lines;
    END IF;
    FOREACH one IN ARRAY coalesce(lines, '{}') LOOP
        EXECUTE 'SELECT c.case_id FROM claimwatch.review_case AS c
                 WHERE c.line = $3 AND c.closed_at IS NULL AND c.assigned_to IS NULL AND ' || free
                || ' ORDER BY c.priority DESC, c.due_at, c.case_id LIMIT 1 FOR UPDATE OF c SKIP LOCKED'
        INTO wanted USING actor, moment, one;
        IF wanted IS NOT NULL THEN
            RETURN wanted;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION claimwatch.find_next IS
    'Returns the case that a person holds already, or the next one of these lines that the person can hold, and locks it; null if none waits.';

CREATE FUNCTION claimwatch.lease_case(of_case uuid, person text) RETURNS claimwatch.review_case
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE claimwatch.review_case AS c
    SET holder = person, lease_until = clock_timestamp() + claimwatch.lease_time(), generation = c.generation + 1,
        version = c.version + 1, snoozed_until = NULL
    WHERE c.case_id = of_case
    RETURNING c.*;
$$;
COMMENT ON FUNCTION claimwatch.lease_case IS 'Lets a person hold a case under a new generation, and returns it.';

CREATE FUNCTION claimwatch.free_case(of_case uuid) RETURNS claimwatch.review_case
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    UPDATE claimwatch.review_case AS c
    SET holder = NULL, lease_until = NULL, generation = c.generation + 1, version = c.version + 1
    WHERE c.case_id = of_case
    RETURNING c.*;
$$;
COMMENT ON FUNCTION claimwatch.free_case IS 'Ends the lease of a case, whose generation writes no more, and returns it.';

CREATE FUNCTION claimwatch.note_case(of_case uuid, actor text, action text, reason text, details jsonb) RETURNS void
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO claimwatch.case_event (case_id, actor, action, reason, details)
    VALUES (of_case, note_case.actor, note_case.action, note_case.reason, note_case.details);
$$;
COMMENT ON FUNCTION claimwatch.note_case IS 'Adds an event to the history of a case.';

CREATE FUNCTION claimwatch.version_problem(asked jsonb, of_case claimwatch.review_case) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN coalesce(asked ->> 'if_match', '') = '' THEN 'precondition'
                WHEN substring(asked ->> 'if_match' FROM '^(?:W/)?"v([0-9]{1,18})"$')::bigint = of_case.version IS NOT TRUE
                THEN 'changed' END;
$$;
COMMENT ON FUNCTION claimwatch.version_problem IS
    'Returns why the header If-Match refuses a change of a case: precondition, changed, or null.';

-- ── The queue ────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.api_queue(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    may     record;
    line    text := asked ->> 'line';
    object  text := left(asked::text, 1000);
    lines   text[];
    before  timestamptz;
    after   timestamptz;
    beyond  uuid;
    page    CONSTANT integer := 50;
    found   jsonb;
    listed  integer;
    last    text;
BEGIN
    SELECT * INTO may FROM claimwatch.lines_with(actor, groups, ARRAY['case.decide', 'case.assign'], purpose);
    IF purpose = ANY (may.allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(may.allowed, actor, 'app'::text, 'queue.list'::text, line, object, request_id);
    ELSIF NOT may.permitted THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, 'queue.list'::text, line, object, purpose,
                                 request_id);
    ELSIF line IS NOT NULL AND line = ANY (may.granted) IS NOT TRUE THEN
        RETURN claimwatch.not_found('not granted'::text, actor, 'app'::text, 'queue.list'::text, line, object, purpose,
                                    request_id);
    END IF;
    BEGIN
        before := (asked ->> 'due_before')::timestamptz;
        after := split_part(nullif(asked ->> 'cursor', ''), '|', 1)::timestamptz;
        beyond := split_part(nullif(asked ->> 'cursor', ''), '|', 2)::uuid;
    EXCEPTION WHEN data_exception THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, 'queue.list'::text, line, object, purpose, request_id);
    END;
    IF coalesce(asked ->> 'holder', 'me') <> 'me' OR coalesce(asked ->> 'state', 'open') NOT IN (
           'open', 'second_look', 'third_look', 'decided', 'settled', 'withdrawn') THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, 'queue.list'::text, line, object, purpose, request_id);
    END IF;
    lines := CASE WHEN line IS NULL THEN may.lines ELSE ARRAY(SELECT l FROM unnest(may.lines) AS l WHERE l = line) END;
    -- In the order of due dates, and within one of random ids: nothing in it depends on a score.
    EXECUTE
        'SELECT coalesce(jsonb_agg(jsonb_build_object(
                    ''case_id'', p.case_id, ''line'', p.line, ''claim_id'', p.claim_id, ''state'', p.state,
                    ''due_at'', p.due_at, ''opened_at'', p.opened_at, ''amount'', p.amount,
                    ''holder'', CASE WHEN p.lease_until > $2 THEN CASE WHEN p.holder = $1 THEN ''me'' ELSE ''other'' END END,
                    ''assigned_to'', p.assigned_to,
                    ''snoozed_until'', CASE WHEN p.snoozed_until > $2 THEN p.snoozed_until END)
                    ORDER BY p.due_at, p.case_id), ''[]''),
                count(*), (array_agg(p.due_at || ''|'' || p.case_id ORDER BY p.due_at DESC, p.case_id DESC))[1]
         FROM (
             SELECT n.* FROM unnest($3) AS l (line) CROSS JOIN LATERAL (
                 SELECT c.* FROM claimwatch.review_case AS c WHERE c.line = l.line'
        || CASE WHEN asked ->> 'state' IS NULL THEN ' AND c.closed_at IS NULL'
                WHEN asked ->> 'state' IN ('open', 'second_look', 'third_look') THEN ' AND c.closed_at IS NULL AND c.state = $4'
                ELSE ' AND c.closed_at IS NOT NULL AND c.state = $4' END
        || CASE WHEN asked ->> 'holder' IS NULL THEN '' ELSE ' AND c.holder = $1 AND c.lease_until > $2' END
        || CASE WHEN coalesce(asked ->> 'q', '') = '' THEN '' ELSE
               ' AND c.claim_id >= $5 COLLATE "C" AND c.claim_id < ($5 || chr(1114111)) COLLATE "C"' END
        || CASE WHEN before IS NULL THEN '' ELSE ' AND c.due_at < $6' END
        || CASE WHEN after IS NULL THEN '' ELSE ' AND (c.due_at, c.case_id) > ($7, $8)' END
        || ' ORDER BY c.due_at, c.case_id LIMIT $9) AS n ORDER BY n.due_at, n.case_id LIMIT $9) AS p'
    INTO found, listed, last
    USING actor, clock_timestamp(), lines, asked ->> 'state', asked ->> 'q', before, after, beyond, page;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'queue.list'::text, line, object, purpose, NULL::text, request_id,
                                     'answered'::text, NULL::text);
    SELECT * INTO may FROM claimwatch.lines_with(actor, groups, ARRAY['case.decide'], purpose);
    RETURN ROW('answered'::text, jsonb_build_object(
        'cases', found, 'cursor', CASE WHEN listed = page THEN last END,
        'waiting', claimwatch.count_waiting(ARRAY(SELECT l FROM unnest(lines) AS l WHERE l = ANY (may.lines)), actor)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_queue IS
    'Returns cases by due date, for a person who decides or assigns them, and how many could be handed out to the person.';

CREATE FUNCTION claimwatch.api_next_case(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    may    record;
    lines  text[];
    wanted uuid;
    handed  claimwatch.review_case;
    shown  jsonb;
BEGIN
    SELECT * INTO may FROM claimwatch.lines_with(actor, groups, ARRAY['case.decide'], purpose);
    IF purpose = ANY (may.allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(may.allowed, actor, 'app'::text, 'case.next'::text, NULL::text, NULL::text,
                                         request_id);
    ELSIF NOT may.permitted THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, 'case.next'::text, NULL::text, NULL::text, purpose,
                                 request_id);
    ELSIF jsonb_typeof(asked -> 'lines') NOT IN ('array', 'null') THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, 'case.next'::text, NULL::text, NULL::text, purpose,
                                 request_id);
    END IF;
    lines := may.lines;
    IF jsonb_typeof(asked -> 'lines') = 'array' THEN
        lines := ARRAY(SELECT l FROM unnest(lines) AS l WHERE asked -> 'lines' ? l);
    END IF;
    -- Two tabs of one person do not get two cases.
    PERFORM pg_advisory_xact_lock(hashtextextended('claimwatch person ' || actor, 0));
    LOOP
        wanted := claimwatch.find_next(lines, actor);
        SELECT c.* INTO handed FROM claimwatch.review_case AS c WHERE c.case_id = wanted;
        EXIT WHEN wanted IS NULL;
        -- An earlier version of the code may have committed the outcome, which does not know of cases.
        EXIT WHEN claimwatch.current_decision(handed.line, handed.claim_id) IS NULL;
        UPDATE claimwatch.review_case AS c
        SET state = 'settled', closed_at = clock_timestamp(), holder = NULL, lease_until = NULL,
            generation = c.generation + 1, version = c.version + 1
        WHERE c.case_id = wanted;
        PERFORM claimwatch.note_case(wanted, 'claimwatch'::text, 'settle'::text, NULL::text, '{}'::jsonb);
    END LOOP;
    IF wanted IS NOT NULL THEN
        IF handed.holder = actor AND handed.lease_until > clock_timestamp() THEN
            UPDATE claimwatch.review_case AS c SET lease_until = clock_timestamp() + claimwatch.lease_time()
            WHERE c.case_id = wanted RETURNING c.* INTO handed;
        ELSE
            SELECT l.* INTO handed FROM claimwatch.lease_case(wanted, actor) AS l;
            PERFORM claimwatch.note_case(wanted, actor, 'next'::text, NULL::text, '{}'::jsonb);
        END IF;
        shown := claimwatch.case_document(handed, actor);
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, 'case.next'::text, handed.line, handed.claim_id, purpose, NULL::text,
                                     request_id, 'answered'::text, shown -> 'score' ->> 'model_version');
    RETURN ROW('answered'::text, jsonb_build_object('case', shown, 'waiting', claimwatch.count_waiting(lines, actor)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_next_case IS
    'Hands out to a person the case that the person holds already, or the next one of the queue; null if none waits.';

CREATE FUNCTION claimwatch.api_case(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    begun record;
    shown jsonb;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, 'case.read'::text,
                                                   'claim.read'::text, false);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    shown := claimwatch.case_document(begun.of_case, actor);
    PERFORM claimwatch.record_access(actor, 'app'::text, 'case.read'::text, (begun.of_case).line, (begun.of_case).claim_id,
                                     purpose, NULL::text, request_id, 'answered'::text,
                                     shown -> 'score' ->> 'model_version');
    RETURN ROW('answered'::text, shown);
END
$$;
COMMENT ON FUNCTION claimwatch.api_case IS 'Returns a case with its claim, for a person who may read claims of its line.';

-- ── Decisions ────────────────────────────────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.decided_document(of_case claimwatch.review_case, of_decision claimwatch.decision, actor text)
RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_build_object('decision', d.document, 'state', of_case.state, 'version', of_case.version,
                              'undo_until', d.document -> 'undo_until')
    FROM (SELECT claimwatch.decision_document(of_decision, actor, false) AS document) AS d;
$$;
COMMENT ON FUNCTION claimwatch.decided_document IS 'Returns a decision of this person, and what it makes of its case.';

CREATE FUNCTION claimwatch.api_decide(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    action   CONSTANT text := 'case.decide';
    begun    record;
    terms    record;
    c        claimwatch.review_case;
    earlier  claimwatch.decision;
    made     claimwatch.decision;
    id       uuid;
    under    bigint;
    taken    double precision;
    grounds  text[];
    note     text := coalesce(asked ->> 'note', '');
    verdict  text := asked ->> 'verdict';
    again    boolean;
    claim    record;
    problem  text;
    ends     boolean;
    shown    jsonb;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, action, 'case.decide'::text,
                                                   true);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    c := begun.of_case;
    SELECT * INTO terms FROM claimwatch.review_terms(c.line);
    BEGIN
        id := (asked ->> 'decision_id')::uuid;
        under := (asked ->> 'generation')::bigint;
        taken := (asked ->> 'seconds')::double precision;
        again := coalesce((asked ->> 'second_look')::boolean, false);
        grounds := ARRAY(SELECT g.name FROM jsonb_array_elements_text(asked -> 'grounds') WITH ORDINALITY AS g (name, place)
                         ORDER BY g.place);
    EXCEPTION WHEN data_exception THEN
        id := NULL;
    END;
    IF id IS NULL OR under IS NULL OR coalesce(verdict, '') NOT IN ('fraud', 'not_fraud', 'inconclusive')
       OR cardinality(grounds) NOT BETWEEN 1 AND 9 OR NOT grounds <@ terms.grounds
       OR (SELECT count(DISTINCT g) FROM unnest(grounds) AS g) <> cardinality(grounds)
       OR length(note) > 4000 OR NOT coalesce(taken, 0) BETWEEN 0 AND 604800 THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
    END IF;

    -- The same decision sent again has the same answer, whatever has become of the case.
    SELECT d.* INTO earlier FROM claimwatch.decision AS d WHERE d.decision_id = id;
    IF earlier.decision_id IS NOT NULL THEN
        IF (earlier.case_id, (earlier).by, earlier.generation, earlier.verdict, earlier.grounds, earlier.note)
           IS DISTINCT FROM (c.case_id, actor, under, verdict, grounds, note) THEN
            RETURN claimwatch.refuse('conflict'::text, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
        END IF;
        PERFORM claimwatch.record_access(actor, 'app'::text, action, c.line, c.claim_id, purpose, 'repeated'::text,
                                         request_id, 'answered'::text, earlier.model_version);
        RETURN ROW('answered'::text, claimwatch.decided_document(c, earlier, actor));
    END IF;

    problem := CASE
        WHEN coalesce(asked ->> 'if_match', '') = '' THEN 'precondition'
        WHEN c.state = 'decided' THEN 'decided'
        WHEN c.closed_at IS NOT NULL THEN 'not_open'
        WHEN claimwatch.has_decided(c.case_id, actor) THEN 'own_decision'
        WHEN c.holder IS DISTINCT FROM actor OR c.generation <> under OR c.lease_until <= clock_timestamp() THEN 'stale'
        ELSE claimwatch.version_problem(asked, c) END;
    IF problem IS NOT NULL THEN
        RETURN claimwatch.refuse(problem, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
    END IF;

    SELECT d.* INTO earlier FROM claimwatch.decision AS d
    WHERE d.case_id = c.case_id
      AND NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id)
    ORDER BY d.at DESC, d.generation DESC LIMIT 1;
    ends := CASE c.state
        WHEN 'open' THEN NOT again AND NOT coalesce(c.amount >= terms.second_look_above, false)
        WHEN 'second_look' THEN earlier.verdict = verdict
        ELSE true END;
    SELECT * INTO claim FROM claimwatch.find_claim(c.line, c.claim_id);
    shown := claimwatch.shown_score(c, claim.file_id, ARRAY(
        SELECT s.name FROM claimwatch.shown_columns(c.line, claim.claim, false) AS s WHERE s.masked));
    INSERT INTO claimwatch.decision (decision_id, case_id, line, claim_id, generation, verdict, grounds, note, by,
                                     model_version, shown, shown_sha256, second_of, final, seconds)
    VALUES (id, c.case_id, c.line, c.claim_id, c.generation, verdict, grounds, note, actor,
            coalesce(shown ->> 'model_version', c.model_version), shown, sha256(convert_to(shown::text, 'UTF8')),
            earlier.decision_id, ends, taken)
    RETURNING * INTO made;
    UPDATE claimwatch.review_case AS r
    SET state = CASE WHEN ends THEN 'decided' WHEN c.state = 'open' THEN 'second_look' ELSE 'third_look' END,
        closed_at = CASE WHEN ends THEN made.at END, decision_id = CASE WHEN ends THEN id END,
        -- Whoever the case was assigned to has decided; the next look is anybody else's.
        assigned_to = CASE WHEN ends THEN r.assigned_to END,
        holder = NULL, lease_until = NULL, version = r.version + 1
    WHERE r.case_id = c.case_id
    RETURNING r.* INTO c;
    PERFORM claimwatch.note_case(c.case_id, actor, 'decide'::text, NULL::text, jsonb_build_object('decision_id', id));
    PERFORM claimwatch.record_access(actor, 'app'::text, action, c.line, c.claim_id, purpose, NULL::text, request_id,
                                     'answered'::text, made.model_version);
    RETURN ROW('answered'::text, claimwatch.decided_document(c, made, actor));
END
$$;
COMMENT ON FUNCTION claimwatch.api_decide IS
    'Records the verdict of the person who holds a case, with what the person was shown, and closes the case or lets another person decide too.';

CREATE FUNCTION claimwatch.api_undo(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    action  CONSTANT text := 'case.undo';
    begun   record;
    c       claimwatch.review_case;
    newest  claimwatch.decision;
    wanted  uuid;
    looks   bigint;
    problem text;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, action, 'case.decide'::text,
                                                   true);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    c := begun.of_case;
    IF NOT coalesce(pg_input_is_valid(asked ->> 'decision_id', 'uuid'), false) THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
    END IF;
    wanted := (asked ->> 'decision_id')::uuid;
    SELECT d.* INTO newest FROM claimwatch.decision AS d
    WHERE d.case_id = c.case_id
      AND NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id)
    ORDER BY d.at DESC, d.generation DESC LIMIT 1;
    IF EXISTS (SELECT FROM claimwatch.decision_undo AS u
               WHERE u.decision_id = wanted AND u.by = actor AND c.holder = actor AND c.lease_until > clock_timestamp()) THEN
        -- The answer to the same request was lost.
        PERFORM claimwatch.record_access(actor, 'app'::text, action, c.line, c.claim_id, purpose, 'repeated'::text,
                                         request_id, 'answered'::text, NULL::text);
        RETURN ROW('answered'::text, jsonb_build_object('case', claimwatch.case_document(c, actor)));
    END IF;
    problem := CASE
        WHEN NOT EXISTS (SELECT FROM claimwatch.decision AS d
                         WHERE d.decision_id = wanted AND d.case_id = c.case_id AND d.by = actor) THEN 'forbidden'
        WHEN c.state IN ('settled', 'withdrawn') THEN 'not_open'
        WHEN newest.decision_id IS DISTINCT FROM wanted
             OR newest.at <= clock_timestamp() - claimwatch.undo_time() THEN 'too_late' END;
    IF problem IS NOT NULL THEN
        RETURN claimwatch.refuse(problem, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
    END IF;
    INSERT INTO claimwatch.decision_undo (decision_id, by) VALUES (wanted, actor);
    SELECT count(*) INTO looks FROM claimwatch.decision AS d
    WHERE d.case_id = c.case_id
      AND NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id);
    UPDATE claimwatch.review_case AS r
    SET state = CASE looks WHEN 0 THEN 'open' WHEN 1 THEN 'second_look' ELSE 'third_look' END, closed_at = NULL,
        decision_id = NULL
    WHERE r.case_id = c.case_id;
    SELECT l.* INTO c FROM claimwatch.lease_case(c.case_id, actor) AS l;
    PERFORM claimwatch.note_case(c.case_id, actor, 'undo'::text, NULL::text, jsonb_build_object('decision_id', wanted));
    PERFORM claimwatch.record_access(actor, 'app'::text, action, c.line, c.claim_id, purpose, NULL::text, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object('case', claimwatch.case_document(c, actor)));
END
$$;
COMMENT ON FUNCTION claimwatch.api_undo IS
    'Takes back the newest decision of a case within 15 seconds, for the person who made it, who holds the case again.';

-- ── Everything else that is done with a case ─────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.api_case_action(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_variable
DECLARE
    what    text := CASE WHEN asked ->> 'action' IN ('skip', 'snooze', 'hand_over', 'renew', 'release', 'take')
                         THEN asked ->> 'action' END;
    action  text := 'case.' || coalesce(what, 'action');
    moment  timestamptz;
    begun   record;
    c       claimwatch.review_case;
    under   bigint;
    until   timestamptz;
    -- The longest time for which a case can be put aside.
    longest CONSTANT interval := interval '60 days';
    reason  text := nullif(btrim(asked ->> 'reason'), '');
    target  text := nullif(btrim(asked ->> 'to'), '');
    problem text;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, action, 'case.decide'::text,
                                                   true);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    c := begun.of_case;
    moment := clock_timestamp();
    BEGIN
        under := (asked ->> 'generation')::bigint;
        until := coalesce((asked ->> 'until')::timestamptz, moment + interval '1 day');
    EXCEPTION WHEN data_exception THEN
        what := NULL;
    END;
    IF what IS NULL OR (what <> 'take' AND under IS NULL) OR length(reason) > 2000
       OR (what IN ('skip', 'snooze') AND NOT (until > moment AND until <= moment + longest))
       OR (what = 'hand_over' AND (reason IS NULL OR target IS NULL OR target = actor OR target !~ '^[^[:cntrl:]]{1,200}$'))
    THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
    END IF;
    problem := CASE
        WHEN c.state = 'decided' THEN 'decided'
        WHEN c.closed_at IS NOT NULL THEN 'not_open'
        WHEN what = 'take' AND claimwatch.has_decided(c.case_id, actor) THEN 'own_decision'
        WHEN what = 'take' AND c.holder <> actor AND c.lease_until > moment THEN 'held'
        WHEN what = 'take' AND c.assigned_to <> actor THEN 'forbidden'
        WHEN what = 'take' AND EXISTS (
            SELECT FROM claimwatch.decision AS d WHERE d.case_id = c.case_id AND d.at > moment - claimwatch.undo_time()
              AND NOT EXISTS (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id)) THEN 'not_yet'
        WHEN what <> 'take' AND (c.holder IS DISTINCT FROM actor OR c.generation <> under OR c.lease_until <= moment)
        THEN 'stale'
        WHEN what = 'hand_over' AND claimwatch.has_decided(c.case_id, target) THEN 'own_decision' END;
    IF problem IS NOT NULL THEN
        RETURN claimwatch.refuse(problem, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
    END IF;
    IF what = 'renew' OR what = 'take' AND c.holder = actor AND c.lease_until > moment THEN
        UPDATE claimwatch.review_case AS r SET lease_until = clock_timestamp() + claimwatch.lease_time()
        WHERE r.case_id = c.case_id RETURNING r.* INTO c;
    ELSIF what = 'take' THEN
        DELETE FROM claimwatch.case_skip AS s WHERE s.case_id = c.case_id AND s.person = actor;
        SELECT l.* INTO c FROM claimwatch.lease_case(c.case_id, actor) AS l;
    ELSE
        IF what = 'skip' THEN
            INSERT INTO claimwatch.case_skip AS s (case_id, person, until) VALUES (c.case_id, actor, until)
            ON CONFLICT ON CONSTRAINT case_skip_pkey DO UPDATE SET until = excluded.until;
        ELSIF what = 'snooze' THEN
            UPDATE claimwatch.review_case AS r SET snoozed_until = until WHERE r.case_id = c.case_id;
        ELSIF what = 'hand_over' THEN
            UPDATE claimwatch.review_case AS r SET assigned_to = target WHERE r.case_id = c.case_id;
        END IF;
        SELECT f.* INTO c FROM claimwatch.free_case(c.case_id) AS f;
    END IF;
    IF what <> 'renew' THEN
        PERFORM claimwatch.note_case(c.case_id, actor, what, reason, jsonb_strip_nulls(jsonb_build_object(
            'to', target, 'until', CASE WHEN what IN ('skip', 'snooze') THEN until END)));
    END IF;
    PERFORM claimwatch.record_access(actor, 'app'::text, action, c.line, c.claim_id, purpose, reason, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, claimwatch.held_document(c, actor));
END
$$;
COMMENT ON FUNCTION claimwatch.api_case_action IS
    'Skips, snoozes, hands over, renews or releases a case that the person holds, or takes one that nobody holds.';

CREATE FUNCTION claimwatch.api_assign(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
#variable_conflict use_variable
DECLARE
    action  CONSTANT text := 'case.assign';
    begun   record;
    c       claimwatch.review_case;
    reason  text := nullif(btrim(asked ->> 'reason'), '');
    target  text := nullif(btrim(asked ->> 'to'), '');
    problem text;
BEGIN
    SELECT * INTO begun FROM claimwatch.begin_case(asked, actor, groups, purpose, request_id, action, 'case.assign'::text,
                                                   true);
    IF (begun.refusal).outcome IS NOT NULL THEN
        RETURN begun.refusal;
    END IF;
    c := begun.of_case;
    IF reason IS NULL OR length(reason) > 2000 OR NOT asked ? 'to' OR target !~ '^[^[:cntrl:]]{1,200}$' THEN
        RETURN claimwatch.refuse('malformed'::text, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
    END IF;
    problem := CASE
        WHEN coalesce(asked ->> 'if_match', '') = '' THEN 'precondition'
        WHEN c.state = 'decided' THEN 'decided'
        WHEN c.closed_at IS NOT NULL THEN 'not_open'
        WHEN claimwatch.has_decided(c.case_id, target) THEN 'own_decision'
        ELSE claimwatch.version_problem(asked, c) END;
    IF problem IS NOT NULL THEN
        RETURN claimwatch.refuse(problem, actor, 'app'::text, action, c.line, c.claim_id, purpose, request_id);
    END IF;
    UPDATE claimwatch.review_case AS r
    SET assigned_to = target, version = r.version + 1 WHERE r.case_id = c.case_id RETURNING r.* INTO c;
    -- Whoever holds it loses it, unless it stays in the same hands.
    IF c.holder IS NOT NULL AND c.holder IS DISTINCT FROM target THEN
        SELECT f.* INTO c FROM claimwatch.free_case(c.case_id) AS f;
    END IF;
    PERFORM claimwatch.note_case(c.case_id, actor, 'assign'::text, reason, jsonb_build_object('to', target));
    PERFORM claimwatch.record_access(actor, 'app'::text, action, c.line, c.claim_id, purpose, reason, request_id,
                                     'answered'::text, NULL::text);
    RETURN ROW('answered'::text, claimwatch.held_document(c, actor));
END
$$;
COMMENT ON FUNCTION claimwatch.api_assign IS
    'Assigns a waiting case to a person, or to nobody; another person who holds it loses it.';

CREATE FUNCTION claimwatch.api_people(asked jsonb, actor text, groups text[], purpose text, request_id text)
RETURNS claimwatch.api_answer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    may    record;
    people jsonb;
BEGIN
    SELECT * INTO may FROM claimwatch.lines_with(actor, groups, ARRAY['case.decide', 'case.assign'], purpose);
    IF purpose = ANY (may.allowed) IS NOT TRUE THEN
        RETURN claimwatch.refuse_purpose(may.allowed, actor, 'app'::text, 'people.list'::text, NULL::text, NULL::text,
                                         request_id);
    ELSIF NOT may.permitted THEN
        RETURN claimwatch.refuse('forbidden'::text, actor, 'app'::text, 'people.list'::text, NULL::text, NULL::text, purpose,
                                 request_id);
    END IF;
    -- One step of the index for each name, however many events there are.
    WITH RECURSIVE seen (name) AS (
        SELECT min(e.actor) FROM claimwatch.case_event AS e
        UNION ALL
        SELECT (SELECT min(e.actor) FROM claimwatch.case_event AS e WHERE e.actor > s.name) FROM seen AS s
        WHERE s.name IS NOT NULL
    )
    SELECT coalesce(jsonb_agg(s.name ORDER BY s.name), '[]') INTO people
    FROM seen AS s WHERE s.name NOT IN (actor, 'claimwatch');
    PERFORM claimwatch.record_access(actor, 'app'::text, 'people.list'::text, NULL::text, NULL::text, purpose, NULL::text,
                                     request_id, 'answered'::text, NULL::text);
    RETURN ROW('answered'::text, jsonb_build_object('people', people));
END
$$;
COMMENT ON FUNCTION claimwatch.api_people IS 'Returns the names of the other people who have worked on cases.';

-- ── Who may run what ─────────────────────────────────────────────────────────────────────────────────────────────────

DO $$
DECLARE
    item record;
BEGIN
    -- Whoever owns a function needs this right at that moment, and not afterwards.
    GRANT CREATE ON SCHEMA claimwatch TO claimwatch_api_definer;
    FOR item IN
        SELECT p.oid::regprocedure AS signature, p.prosecdef AS door
        FROM pg_proc AS p
        WHERE p.pronamespace = 'claimwatch'::regnamespace AND p.proname IN (
            'api_queue', 'api_next_case', 'api_case', 'api_decide', 'api_undo', 'api_case_action', 'api_assign', 'api_people',
            'lease_time', 'undo_time', 'shown_columns', 'shown_reasons', 'is_undecided', 'decision_document',
            'lease_document', 'shown_score', 'count_links', 'count_photos', 'contract_bound', 'case_document',
            'held_document', 'lines_with', 'begin_case', 'has_decided', 'is_free', 'count_waiting', 'find_next', 'lease_case',
            'free_case', 'note_case', 'version_problem', 'decided_document')
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
