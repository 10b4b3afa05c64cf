-- Who looked at which claim, who used which model, and for what purpose; who may do so; and the seals of that history.

ALTER TABLE claimwatch.contract ADD COLUMN compiled jsonb;
COMMENT ON COLUMN claimwatch.contract.compiled IS
    'The contract as the API reads it: its columns in order, which of them are personal, and its purposes.';

CREATE TABLE claimwatch.access_event (
    seq           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor         text        NOT NULL CHECK (actor <> ''),
    via           text        NOT NULL CHECK (via IN ('v1', 'app', 'cli', 'deployment')),
    action        text        NOT NULL CHECK (action ~ '^[a-z_]+(\.[a-z_]+)?$'),
    line          text,
    object        text,
    purpose       text,
    reason        text,
    request_id    text,
    outcome       text        NOT NULL CHECK (outcome IN ('answered', 'refused', 'not_found', 'rejected')),
    model_version text,
    -- Whoever was handed something has said what for.
    CHECK (outcome <> 'answered' OR coalesce(purpose, '') <> '' OR via = 'deployment')
);
COMMENT ON TABLE claimwatch.access_event IS
    'Who asked for what, when and for what purpose, refused requests included. Rows are added and never changed.';
COMMENT ON COLUMN claimwatch.access_event.seq IS 'Orders events for their seals. Rolled back requests leave gaps.';
COMMENT ON COLUMN claimwatch.access_event.at IS 'When the request was answered; of a score, before its event was stored.';
COMMENT ON COLUMN claimwatch.access_event.actor IS 'The verified identity: an ARN, or the name of a person who signed in.';
COMMENT ON COLUMN claimwatch.access_event.object IS 'What it is about: a claim id, a grantee with a permission, or filters.';
COMMENT ON COLUMN claimwatch.access_event.purpose IS 'Null if the request named no purpose, or none that the line has.';
COMMENT ON COLUMN claimwatch.access_event.reason IS 'Why it was refused, or why it was done.';

-- The newest first, of everything, a claim, a model or an actor. A claim id may be longer than an index allows.
CREATE INDEX access_event_by_time ON claimwatch.access_event (at, seq);
CREATE INDEX access_event_by_object ON claimwatch.access_event (left(object, 200), at, seq);
CREATE INDEX access_event_by_model ON claimwatch.access_event (model_version, at, seq) WHERE model_version IS NOT NULL;
CREATE INDEX access_event_by_actor ON claimwatch.access_event (actor, at, seq);

CREATE TABLE claimwatch.audit_seal (
    number         bigint      PRIMARY KEY CHECK (number > 0),
    first_seq      bigint      NOT NULL,
    last_seq       bigint      NOT NULL,
    events         bigint      NOT NULL CHECK (events >= 0),
    root           bytea       NOT NULL CHECK (octet_length(root) = 32),
    previous       bytea       CHECK (octet_length(previous) = 32),
    sealed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    uri            text        NOT NULL,
    object_version text        NOT NULL,
    CHECK (last_seq - first_seq + 1 >= events)
);
COMMENT ON TABLE claimwatch.audit_seal IS
    'Digests of ranges of access events; each has a copy in S3 that nobody can change. Rows are added and never changed.';
COMMENT ON COLUMN claimwatch.audit_seal.root IS 'The root of the Merkle tree over the events from first_seq to last_seq.';
COMMENT ON COLUMN claimwatch.audit_seal.previous IS 'The digest of the previous seal, which makes the seals a chain.';

CREATE TRIGGER access_event_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.access_event
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER access_event_is_not_emptied BEFORE TRUNCATE ON claimwatch.access_event
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER audit_seal_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.audit_seal
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER audit_seal_is_not_emptied BEFORE TRUNCATE ON claimwatch.audit_seal
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();

CREATE TABLE claimwatch.permission (
    grantee    text        NOT NULL CHECK (grantee ~ '^(group|person):[^[:cntrl:]]{1,200}$'),
    permission text        NOT NULL CHECK (permission IN (
                   'claim.read', 'claim.unmask', 'case.decide', 'case.assign', 'photo.view', 'model.read', 'model.train',
                   'model.promote', 'audit.read', 'person.erase')),
    line       text        NOT NULL DEFAULT '*' CHECK (line = '*' OR line ~ '^[a-z][a-z0-9_]{0,39}$'),
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    granted_by text        NOT NULL CHECK (granted_by <> ''),
    why        text        NOT NULL CHECK (why <> ''),
    PRIMARY KEY (grantee, permission, line)
);
COMMENT ON TABLE claimwatch.permission IS
    'What people may do. Each change is an access event; nobody has a permission that is not here.';
COMMENT ON COLUMN claimwatch.permission.grantee IS 'A group of the identity provider, or a person: group:<name>, person:<name>.';
COMMENT ON COLUMN claimwatch.permission.line IS 'The line that it is limited to; * is every line.';

INSERT INTO claimwatch.permission (grantee, permission, granted_by, why)
SELECT 'group:' || name, unnest(permissions), 'migration 0026', 'default'
FROM (VALUES
    ('investigator',    '{claim.read, claim.unmask, case.decide, photo.view}'::text[]),
    ('lead',            '{claim.read, claim.unmask, case.assign, photo.view, model.read, model.promote}'),
    ('data_scientist',  '{model.read, model.train}'),
    ('auditor',         '{audit.read, claim.read, model.read}'),
    ('privacy_officer', '{person.erase, claim.read, audit.read}')
) AS role (name, permissions);

CREATE TABLE claimwatch.setting (
    name  text PRIMARY KEY,
    value text NOT NULL,
    CHECK (name <> 'separation_of_duties' OR value IN ('enforced', 'relaxed'))
);
COMMENT ON TABLE claimwatch.setting IS 'Parameters of the stack that functions of the database read; deployments set them.';
INSERT INTO claimwatch.setting (name, value) VALUES ('separation_of_duties', 'enforced');

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['api', 'record', 'seal', 'audit', 'api_definer'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = 'claimwatch_' || role);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'claimwatch_' || role);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- the migration of another database of this server has just created it
        END;
    END LOOP;
    -- The owner hands functions over to this one, and migrates them later.
    GRANT claimwatch_api_definer TO CURRENT_USER WITH INHERIT TRUE, SET TRUE;
END
$$;
COMMENT ON ROLE claimwatch_api IS 'Calls the functions of the API, and can read nothing without them.';
COMMENT ON ROLE claimwatch_record IS 'Stores the records of the scores that the API has answered.';
COMMENT ON ROLE claimwatch_seal IS 'Seals access events.';
COMMENT ON ROLE claimwatch_audit IS 'Reads access events and their seals, for the command line.';
COMMENT ON ROLE claimwatch_api_definer IS 'Owns the functions of the API: they run with its rights. Nobody logs in as it.';

GRANT USAGE ON SCHEMA claimwatch TO claimwatch_api, claimwatch_record, claimwatch_seal, claimwatch_audit,
    claimwatch_api_definer;

-- Numbers of events are given by the database alone.
GRANT INSERT (at, actor, via, action, line, object, purpose, reason, request_id, outcome, model_version)
    ON claimwatch.access_event TO claimwatch_record, claimwatch_audit, claimwatch_api_definer;
GRANT SELECT ON claimwatch.access_event, claimwatch.audit_seal TO claimwatch_seal, claimwatch_audit;
GRANT INSERT ON claimwatch.audit_seal TO claimwatch_seal;
GRANT SELECT ON claimwatch.permission, claimwatch.setting TO claimwatch_audit;

GRANT SELECT ON claimwatch.access_event, claimwatch.setting TO claimwatch_api_definer;
GRANT SELECT, INSERT, DELETE ON claimwatch.permission TO claimwatch_api_definer;
GRANT SELECT (contract_id, line, version, status, columns, compiled) ON claimwatch.contract TO claimwatch_api_definer;
GRANT SELECT (file_id, received_at, committed_at, sequencer, status) ON claimwatch.file TO claimwatch_api_definer;
-- Neither a name of a decider nor the random audit.
GRANT SELECT (line, claim_id, file_id, role, probability, percentile, referred, reasons, model_version, scored_at)
    ON claimwatch.score TO claimwatch_api_definer;
GRANT SELECT (line, claim_id, is_fraud, decided_at) ON claimwatch.current_outcome TO claimwatch_api_definer;
GRANT SELECT (line, version, status, created_at, contract_version, bundle_sha256, refused_because, as_of)
    ON claimwatch.model_version TO claimwatch_api_definer;
GRANT SELECT (line, role, version, since) ON claimwatch.live_model TO claimwatch_api_definer;

GRANT UPDATE (compiled) ON claimwatch.contract TO claimwatch_contracts;

-- Who may add an event may not add every event.
ALTER TABLE claimwatch.access_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY read_events ON claimwatch.access_event FOR SELECT USING (true);
CREATE POLICY add_events ON claimwatch.access_event FOR INSERT TO claimwatch_api_definer WITH CHECK (true);
CREATE POLICY add_events_of_scores ON claimwatch.access_event FOR INSERT TO claimwatch_record
    WITH CHECK (via = 'v1' AND action IN ('score', 'claims.submit'));
CREATE POLICY add_events_of_audits ON claimwatch.access_event FOR INSERT TO claimwatch_audit
    WITH CHECK (via = 'cli' AND action IN ('audit.list', 'audit.verify', 'audit.export'));

CREATE FUNCTION claimwatch.lock_access_events() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
BEGIN
    LOCK TABLE claimwatch.access_event IN SHARE MODE;
    RETURN (SELECT coalesce(max(seq), 0) FROM claimwatch.access_event);
END
$$;
COMMENT ON FUNCTION claimwatch.lock_access_events IS
    'Waits at most two seconds for transactions that add events, keeps others waiting until this one ends, and returns the greatest seq: all events up to it are final.';
REVOKE EXECUTE ON FUNCTION claimwatch.lock_access_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claimwatch.lock_access_events TO claimwatch_seal;

CREATE OR REPLACE FUNCTION claimwatch.grant_line(line text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claims     text := format('claimwatch.%I', 'claim_' || line);
    newest     text := format('claimwatch.%I', 'current_claim_' || line);
    key        text;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ') INTO STRICT key
    FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = claims::regclass AND i.indisprimary;
    EXECUTE format('GRANT SELECT (%s), INSERT, DELETE ON %s TO claimwatch_ingest', key, claims);
    EXECUTE format('GRANT SELECT ON %s TO claimwatch_scoring, claimwatch_evaluation', claims);
    EXECUTE format('GRANT SELECT ON %s TO claimwatch_training, claimwatch_api_definer', newest);
END
$$;

DO $$
DECLARE
    line text;
BEGIN
    FOR line IN SELECT DISTINCT c.line FROM claimwatch.contract AS c WHERE c.status = 'applied' LOOP
        PERFORM claimwatch.grant_line(line);
    END LOOP;
END
$$;
