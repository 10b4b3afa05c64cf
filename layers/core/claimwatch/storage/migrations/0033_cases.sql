-- Cases: which claims people review, who holds which one, and what they decided.

CREATE TABLE claimwatch.review_case (
    case_id       uuid             PRIMARY KEY DEFAULT gen_random_uuid(),
    line          text             NOT NULL,
    claim_id      text             COLLATE "C" NOT NULL,
    file_id       bigint           NOT NULL,
    state         text             NOT NULL DEFAULT 'open'
                  CHECK (state IN ('open', 'second_look', 'third_look', 'decided', 'settled', 'withdrawn')),
    origin        text             NOT NULL CHECK (origin IN ('referral', 'random_audit')),
    blinded       boolean          NOT NULL CHECK (blinded OR origin = 'referral'),
    priority      double precision NOT NULL,
    amount        numeric,
    model_version text             NOT NULL,
    opened_at     timestamptz      NOT NULL DEFAULT clock_timestamp(),
    due_at        timestamptz      NOT NULL,
    holder        text             CHECK (holder <> ''),
    lease_until   timestamptz,
    generation    bigint           NOT NULL DEFAULT 0,
    assigned_to   text             CHECK (assigned_to <> ''),
    snoozed_until timestamptz,
    version       bigint           NOT NULL DEFAULT 1,
    decision_id   uuid,
    closed_at     timestamptz,
    UNIQUE (line, claim_id),
    CHECK ((holder IS NULL) = (lease_until IS NULL)),
    CHECK ((closed_at IS NULL) = (state IN ('open', 'second_look', 'third_look'))),
    CHECK (closed_at IS NULL OR holder IS NULL),
    CHECK ((decision_id IS NOT NULL) = (state = 'decided'))
);
COMMENT ON TABLE claimwatch.review_case IS
    'Claims that people review: referrals and the random audit. A claim has one case, however often it is scored.';
COMMENT ON COLUMN claimwatch.review_case.file_id IS 'The file of the row whose score opened the case, or updated it last.';
COMMENT ON COLUMN claimwatch.review_case.state IS
    'second_look, third_look: another person decides too. settled: an outcome came from outside. withdrawn: a newer score asks for no review, and the case was not blinded.';
COMMENT ON COLUMN claimwatch.review_case.origin IS
    'Why the claim is reviewed; random_audit if for both reasons. No answer shows it before the decision is final.';
COMMENT ON COLUMN claimwatch.review_case.blinded IS
    'Whether the score is hidden until the decision: of every audited claim, and of about as many referrals.';
COMMENT ON COLUMN claimwatch.review_case.priority IS
    'What is at stake: probability times amount. An audited claim has the priority of a referral with a similar amount.';
COMMENT ON COLUMN claimwatch.review_case.generation IS
    'Counts leases: a write with an earlier generation comes from somebody who has lost the case.';
COMMENT ON COLUMN claimwatch.review_case.version IS 'Counts changes, except renewals of a lease.';
COMMENT ON COLUMN claimwatch.review_case.decision_id IS 'The decision that closed the case.';
COMMENT ON COLUMN claimwatch.review_case.closed_at IS 'When the case left the queue; null while it waits.';

-- Leases change all the time and are in no index of the queue: whoever asks for a case reads past the few that are held.
CREATE INDEX review_case_waiting ON claimwatch.review_case (line, priority DESC, due_at, case_id)
    WHERE closed_at IS NULL AND assigned_to IS NULL;
CREATE INDEX review_case_assigned ON claimwatch.review_case (assigned_to, priority DESC, due_at, case_id)
    WHERE closed_at IS NULL AND assigned_to IS NOT NULL;
CREATE INDEX review_case_held ON claimwatch.review_case (holder) WHERE holder IS NOT NULL;
CREATE INDEX review_case_due ON claimwatch.review_case (line, due_at, case_id) WHERE closed_at IS NULL;
CREATE INDEX review_case_closed ON claimwatch.review_case (line, due_at, case_id) WHERE closed_at IS NOT NULL;

CREATE TABLE claimwatch.case_event (
    seq     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    case_id uuid        NOT NULL REFERENCES claimwatch.review_case,
    actor   text        NOT NULL CHECK (actor <> ''),
    action  text        NOT NULL CHECK (action ~ '^[a-z_]+$'),
    reason  text,
    details jsonb       NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE claimwatch.case_event IS 'What was done with each case. Rows are added and never changed.';
COMMENT ON COLUMN claimwatch.case_event.actor IS 'A person who signed in; claimwatch if a score or an outcome changed the case.';
CREATE INDEX case_event_by_case ON claimwatch.case_event (case_id, seq);
CREATE INDEX case_event_by_actor ON claimwatch.case_event (actor, seq);

CREATE TABLE claimwatch.case_skip (
    case_id uuid        NOT NULL REFERENCES claimwatch.review_case,
    person  text        NOT NULL CHECK (person <> ''),
    until   timestamptz NOT NULL,
    PRIMARY KEY (case_id, person)
);
COMMENT ON TABLE claimwatch.case_skip IS 'Cases that are not handed out to a person for some time, because the person skipped them.';

CREATE TABLE claimwatch.decision (
    decision_id   uuid             PRIMARY KEY,
    case_id       uuid             NOT NULL REFERENCES claimwatch.review_case,
    line          text             NOT NULL,
    claim_id      text             COLLATE "C" NOT NULL,
    generation    bigint           NOT NULL,
    verdict       text             NOT NULL CHECK (verdict IN ('fraud', 'not_fraud', 'inconclusive')),
    grounds       text[]           NOT NULL CHECK (cardinality(grounds) BETWEEN 1 AND 9),
    note          text             NOT NULL CHECK (length(note) <= 4000),
    by            text             NOT NULL CHECK (by <> ''),
    at            timestamptz      NOT NULL DEFAULT clock_timestamp(),
    model_version text             NOT NULL,
    shown         jsonb,
    shown_sha256  bytea            CHECK (octet_length(shown_sha256) = 32),
    second_of     uuid             REFERENCES claimwatch.decision,
    final         boolean          NOT NULL,
    seconds       double precision CHECK (seconds >= 0),
    UNIQUE (case_id, generation),
    CHECK ((shown IS NULL) = (shown_sha256 IS NULL))
);
COMMENT ON TABLE claimwatch.decision IS
    'What a person decided on a case, and what the person had seen. Rows are added and never changed.';
COMMENT ON COLUMN claimwatch.decision.decision_id IS 'The Idempotency-Key of the request: repeated, it finds its row.';
COMMENT ON COLUMN claimwatch.decision.generation IS 'The lease under which it was decided: each decides once at most.';
COMMENT ON COLUMN claimwatch.decision.shown IS
    'The score with its reasons as the person saw them, masked where they were; null if they were hidden.';
COMMENT ON COLUMN claimwatch.decision.second_of IS 'The decision of another person that this one is a second look at.';
COMMENT ON COLUMN claimwatch.decision.final IS 'Whether it closed the case; otherwise another person decides too.';
COMMENT ON COLUMN claimwatch.decision.seconds IS 'How long the case was on the screen.';
CREATE INDEX decision_by_person ON claimwatch.decision (by, at);
CREATE INDEX decision_by_time ON claimwatch.decision (line, at);

CREATE TABLE claimwatch.decision_undo (
    decision_id uuid        PRIMARY KEY REFERENCES claimwatch.decision,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    by          text        NOT NULL CHECK (by <> '')
);
COMMENT ON TABLE claimwatch.decision_undo IS 'Decisions that their authors took back at once. Rows are added and never changed.';

CREATE TRIGGER case_event_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.case_event
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER case_event_is_not_emptied BEFORE TRUNCATE ON claimwatch.case_event
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER decision_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.decision
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER decision_is_not_emptied BEFORE TRUNCATE ON claimwatch.decision
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER decision_undo_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.decision_undo
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER decision_undo_is_not_emptied BEFORE TRUNCATE ON claimwatch.decision_undo
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();

GRANT SELECT, UPDATE (state, holder, lease_until, generation, assigned_to, snoozed_until, version, decision_id, closed_at)
    ON claimwatch.review_case TO claimwatch_api_definer;
GRANT SELECT, INSERT (case_id, actor, action, reason, details) ON claimwatch.case_event TO claimwatch_api_definer;
GRANT SELECT, INSERT, UPDATE (until), DELETE ON claimwatch.case_skip TO claimwatch_api_definer;
GRANT SELECT, INSERT (decision_id, case_id, line, claim_id, generation, verdict, grounds, note, by, model_version, shown,
                      shown_sha256, second_of, final, seconds)
    ON claimwatch.decision TO claimwatch_api_definer;
GRANT SELECT, INSERT (decision_id, by) ON claimwatch.decision_undo TO claimwatch_api_definer;
GRANT SELECT (image_id, event_id) ON claimwatch.current_claim_image TO claimwatch_api_definer;

-- A decision is taken, and undone, by whoever holds the case, whatever a later function forgets to check.
ALTER TABLE claimwatch.decision ENABLE ROW LEVEL SECURITY;
CREATE POLICY read_decisions ON claimwatch.decision FOR SELECT USING (true);
CREATE POLICY add_decisions ON claimwatch.decision FOR INSERT TO claimwatch_api_definer WITH CHECK (
    EXISTS (SELECT FROM claimwatch.review_case AS c
            WHERE c.case_id = decision.case_id AND c.closed_at IS NULL AND c.holder = decision.by
              AND c.generation = decision.generation AND c.lease_until > clock_timestamp()
              AND (c.line, c.claim_id) = (decision.line, decision.claim_id)));
ALTER TABLE claimwatch.decision_undo ENABLE ROW LEVEL SECURITY;
CREATE POLICY read_undone_decisions ON claimwatch.decision_undo FOR SELECT USING (true);
CREATE POLICY undo_decisions ON claimwatch.decision_undo FOR INSERT TO claimwatch_api_definer WITH CHECK (
    EXISTS (SELECT FROM claimwatch.decision AS d
            WHERE d.decision_id = decision_undo.decision_id AND d.by = decision_undo.by
              AND d.at > clock_timestamp() - interval '15 seconds'));
ALTER TABLE claimwatch.case_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY read_case_events ON claimwatch.case_event FOR SELECT USING (true);
CREATE POLICY add_case_events ON claimwatch.case_event FOR INSERT TO claimwatch_api_definer WITH CHECK (true);

-- ── What a contract says about reviews ───────────────────────────────────────────────────────────────────────────────

CREATE FUNCTION claimwatch.review_terms(
    of_line text, OUT amount_column text, OUT review_within interval, OUT second_look_above numeric, OUT grounds text[],
    OUT expected_referrals double precision, OUT expected_audits double precision
)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.review ->> 'amount_column',
           coalesce((r.review ->> 'review_within_days')::integer, 14) * interval '1 day',
           (r.review ->> 'second_look_above')::numeric,
           coalesce(
               (SELECT array_agg(g.name ORDER BY g.place)
                FROM jsonb_array_elements_text(CASE WHEN jsonb_typeof(r.compiled -> 'grounds') = 'array'
                                                    THEN r.compiled -> 'grounds' ELSE '[]' END)
                     WITH ORDINALITY AS g (name, place)),
               ARRAY['staged_event', 'inflated_amount', 'false_documents', 'duplicate_claim', 'false_identity',
                     'inconsistent_statement', 'no_indication', 'documents_verified', 'other']),
           coalesce((r.review ->> 'capacity')::double precision, 0.05),
           coalesce((r.review ->> 'audit_share')::double precision, 0.005)
    FROM (SELECT c.compiled, c.compiled -> 'review' AS review FROM claimwatch.running_contract(of_line) AS c) AS r;
$$;
COMMENT ON FUNCTION claimwatch.review_terms IS
    'Returns what the running contract of a line says about reviews, with the defaults of domain/contract/contract.py.';

-- ── Cases come from scores and end with outcomes ─────────────────────────────────────────────────────────────────────

-- As before, but it finds a claim by its line too if the id comes from a table: ids have the collation "C" there, which the
-- line beside them takes on, while the index of outcomes has the line in the default collation.
CREATE OR REPLACE FUNCTION claimwatch.current_decision(of_line text, of_claim text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT jsonb_build_object('is_fraud', o.is_fraud, 'decided_at', o.decided_at)
    FROM claimwatch.current_outcome AS o
    WHERE o.line = of_line COLLATE "default" AND o.claim_id = of_claim
      AND NOT (o.from_label AND NOT o.is_fraud AND o.effective_at < o.decided_at);
$$;

CREATE TYPE claimwatch.newest_score AS (
    claim_id text, file_id bigint, model_version text, probability double precision, referred boolean, audited boolean,
    amount numeric
);
COMMENT ON TYPE claimwatch.newest_score IS 'The champion''s score of the newest row of a claim, with the claim''s amount.';

CREATE FUNCTION claimwatch.newest_scores(of_line text, of_file bigint, of_claims text[])
RETURNS claimwatch.newest_score[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT array_agg(ROW(w.claim_id, n.file_id, n.model_version, n.probability, n.referred, n.audit_sample,
                             NULL)::claimwatch.newest_score)
        FROM (
            SELECT s.claim_id FROM claimwatch.score AS s
            WHERE s.line = of_line AND s.role = 'champion' AND (s.referred OR s.audit_sample)
              AND (of_file IS NULL OR s.file_id = of_file) AND (of_claims IS NULL OR s.claim_id = ANY (of_claims))
            UNION
            -- Claims that the file scores anew: it may ask for no review any more.
            SELECT c.claim_id FROM claimwatch.review_case AS c
            WHERE c.line = of_line AND c.state = 'open' AND c.closed_at IS NULL
              AND (of_claims IS NULL OR c.claim_id = ANY (of_claims))
        ) AS w
        CROSS JOIN LATERAL (
            SELECT s.file_id, s.model_version, s.probability, s.referred, s.audit_sample
            FROM claimwatch.score AS s JOIN claimwatch.file AS f ON f.file_id = s.file_id
            WHERE s.line = of_line AND s.claim_id = w.claim_id AND s.role = 'champion'
            ORDER BY f.received_at DESC, f.sequencer COLLATE "C" DESC, f.file_id DESC, s.scored_at DESC, s.model_version DESC
            LIMIT 1
        ) AS n);
END
$$;
COMMENT ON FUNCTION claimwatch.newest_scores IS
    'Returns the newest scores of claims that a file asks to review, and of those whose cases are open; null without any. A null file means every file, and null claims every claim.';

CREATE FUNCTION claimwatch.with_amounts(of_line text, amount_column text, scores claimwatch.newest_score[])
RETURNS claimwatch.newest_score[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    claims     regclass := to_regclass(format('claimwatch.%I', 'claim_' || of_line));
    identifier name;
    type       text;
    found      claimwatch.newest_score[];
BEGIN
    SELECT a.attname, format_type(a.atttypid, a.atttypmod) INTO identifier, type
    FROM claimwatch.running_contract(of_line) AS c, jsonb_each(c.columns) AS s
    JOIN pg_attribute AS a ON a.attrelid = claims AND a.attname = s.key AND NOT a.attisdropped
    WHERE (s.value ->> 'identifier')::boolean;
    IF identifier IS NULL OR NOT EXISTS (
        SELECT FROM pg_attribute AS a
        WHERE a.attrelid = claims AND a.attname = amount_column AND NOT a.attisdropped
          AND a.atttypid IN ('bigint'::regtype, 'numeric'::regtype)
    ) THEN
        RETURN scores;
    END IF;
    -- What is neither a number nor of any use as an amount is none: it would come first or last in every order.
    EXECUTE format(
        'SELECT array_agg(ROW(s.claim_id, s.file_id, s.model_version, s.probability, s.referred, s.audited,
                              CASE WHEN abs(c.%1$I::numeric) < 1e100 THEN c.%1$I::numeric END)::claimwatch.newest_score)
         FROM unnest($1) AS s LEFT JOIN %2$s AS c ON c.%3$I = s.claim_id::%4$s AND c.file_id = s.file_id',
        amount_column, claims, identifier, type)
    INTO found USING scores;
    RETURN found;
END
$$;
COMMENT ON FUNCTION claimwatch.with_amounts IS 'Returns scores with the amounts of their claims, if the line has that column.';

CREATE FUNCTION claimwatch.draw(key bytea, purpose text, of_line text, of_claim text) RETURNS double precision
LANGUAGE sql STABLE AS $$
    -- Inlined, so without a search path of its own: whoever calls it has one.
    SELECT ('x' || left(encode(sha256(key || convert_to(purpose || chr(31) || of_line || chr(31) || of_claim, 'UTF8')),
                               'hex'), 12))::bit(48)::bigint / 281474976710656.0::double precision;
$$;
COMMENT ON FUNCTION claimwatch.draw IS
    'Returns a number from 0 up to 1 that the purpose and the claim determine, and that nobody can predict without the key.';

-- A plan that serves all arrays compares each score with the whole of one: from the sixth chunk of a connection on, that
-- took 42 seconds instead of 0.3. So each chunk is planned for itself, also by what is called here.
CREATE FUNCTION claimwatch.open_cases(line text, file_id bigint, claim_ids text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_variable
DECLARE
    key        bytea := (SELECT k.key FROM claimwatch.audit_key AS k);
    terms      record;
    scores     claimwatch.newest_score[];
    moment     timestamptz;
    blinding   double precision;
    priorities double precision[];
    amounts    double precision[];
    -- Referrals with similar amounts from which the priority of an audited claim is drawn.
    near       CONSTANT integer := 8;
    -- Claims that count as the contract expects them, before the model has scored enough: one of them is audited.
    assumed    double precision;
BEGIN
    -- One transaction at a time for a line: a newer score, or an outcome, that another one is storing is not missed.
    PERFORM pg_advisory_xact_lock(hashtextextended('claimwatch cases ' || line, 0));
    moment := clock_timestamp();
    scores := claimwatch.newest_scores(line, file_id, claim_ids);
    IF scores IS NULL THEN
        RETURN;
    END IF;
    SELECT * INTO terms FROM claimwatch.review_terms(line);
    IF terms.amount_column IS NOT NULL THEN
        scores := claimwatch.with_amounts(line, terms.amount_column, scores);
    END IF;

    -- A newer score asks for no review: nobody has begun one, or the lease of whoever did is over. A blinded case stays,
    -- because one of the audit does: otherwise a case that outlived a newer row would be one of the audit.
    WITH withdrawn AS (
        UPDATE claimwatch.review_case AS c
        SET state = 'withdrawn', closed_at = moment, holder = NULL, lease_until = NULL, generation = c.generation + 1,
            version = c.version + 1
        FROM unnest(scores) AS s
        WHERE c.line = line AND c.claim_id = s.claim_id AND c.state = 'open'
          AND NOT (s.referred OR s.audited OR c.blinded)
          AND (c.lease_until IS NULL OR c.lease_until <= moment)
        RETURNING c.case_id
    )
    INSERT INTO claimwatch.case_event (case_id, actor, action) SELECT w.case_id, 'claimwatch', 'withdraw' FROM withdrawn AS w;

    -- As many referrals are blinded as claims are audited, on average: the shares of what the same model has scored in
    -- this line, these claims included. Another model may audit and refer other shares, and so may the contract, with
    -- which a model is trained. Each referral is drawn by itself, so that the order in which cases open reveals nothing.
    -- Claims are audited when they are scored first; a later referral is not blinded, because its dates would tell what
    -- it is.
    assumed := coalesce(1 / nullif(terms.expected_audits, 0), 0);
    SELECT (sum(n.audited) + assumed * terms.expected_audits)
           / nullif(sum(n.referred * (1 - n.audited / n.claims)) + assumed * terms.expected_referrals, 0)
    INTO blinding
    FROM (
        SELECT k.audit_sample::double precision AS audited, k.referred::double precision AS referred,
               greatest(k.claims, 1)::double precision AS claims
        FROM claimwatch.scored_chunk AS k JOIN claimwatch.file AS f ON f.file_id = k.file_id
        WHERE f.line = line AND k.role = 'champion'
          AND k.model_version IN (SELECT s.model_version FROM unnest(scores) AS s)
        UNION ALL VALUES (0, 0, 1)
    ) AS n;

    -- An audited claim has the priority of a referral whose amount is similar: the amount is shown, so with the priority
    -- of any other referral its place in the queue would reveal it.
    SELECT array_agg(r.priority ORDER BY r.amount, r.claim_id), array_agg(r.amount ORDER BY r.amount, r.claim_id)
    INTO priorities, amounts
    FROM (
        SELECT s.probability * coalesce(s.amount, 1)::double precision AS priority,
               coalesce(s.amount, 0)::double precision AS amount, s.claim_id
        FROM unnest(scores) AS s WHERE s.referred AND NOT s.audited
        UNION ALL
        SELECT e.priority, coalesce(e.amount, 0)::double precision, e.claim_id
        FROM (
            SELECT c.priority, c.amount, c.claim_id FROM claimwatch.review_case AS c
            WHERE c.line = line AND c.closed_at IS NULL AND c.origin = 'referral'
            ORDER BY c.due_at DESC, c.case_id DESC LIMIT 200
        ) AS e
    ) AS r;

    WITH changed AS (
        INSERT INTO claimwatch.review_case AS c (line, claim_id, file_id, origin, blinded, priority, amount, model_version,
                                                 opened_at, due_at)
        SELECT line, n.claim_id, n.file_id, CASE WHEN n.audited THEN 'random_audit' ELSE 'referral' END,
               n.audited OR claimwatch.draw(key, 'blinded'::text, line, n.claim_id) < coalesce(blinding, 0) AND NOT EXISTS (
                   SELECT FROM claimwatch.score AS e
                   WHERE e.line = line AND e.claim_id = n.claim_id AND e.role = 'champion'
                     AND (e.file_id, e.model_version) <> (n.file_id, n.model_version) AND NOT e.referred),
               CASE
                   WHEN n.referred AND NOT n.audited OR priorities IS NULL
                   THEN n.probability * coalesce(n.amount, 1)::double precision
                   WHEN amounts[1] = amounts[cardinality(amounts)]
                   THEN priorities[1 + floor(claimwatch.draw(key, 'priority'::text, line, n.claim_id)
                                             * cardinality(priorities))::integer]
                   ELSE priorities[greatest(1, least(
                       cardinality(priorities),
                       width_bucket(coalesce(n.amount, 0)::double precision, amounts) - near / 2 + 1
                       + floor(claimwatch.draw(key, 'priority'::text, line, n.claim_id) * near)::integer))]
               END,
               n.amount, n.model_version, moment, moment + terms.review_within
        FROM unnest(scores) AS n
        WHERE (n.referred OR n.audited
               OR EXISTS (SELECT FROM claimwatch.review_case AS b
                          WHERE b.line = line AND b.claim_id = n.claim_id AND b.state = 'open' AND b.closed_at IS NULL
                            AND b.blinded))
          AND NOT (EXISTS (SELECT FROM claimwatch.outcome AS o WHERE o.line = line AND o.claim_id = n.claim_id)
                   AND claimwatch.current_decision(line, n.claim_id) IS NOT NULL)
        ON CONFLICT ON CONSTRAINT review_case_line_claim_id_key DO UPDATE
        SET file_id = excluded.file_id, priority = excluded.priority, amount = excluded.amount,
            model_version = excluded.model_version, version = c.version + 1,
            origin = CASE WHEN c.origin = 'random_audit' THEN c.origin ELSE excluded.origin END,
            blinded = CASE WHEN c.state = 'withdrawn' THEN c.origin = 'random_audit' ELSE c.blinded END
                      OR excluded.origin = 'random_audit',
            state = 'open', closed_at = NULL,
            opened_at = CASE WHEN c.state = 'withdrawn' THEN excluded.opened_at ELSE c.opened_at END,
            due_at = CASE WHEN c.state = 'withdrawn' THEN excluded.due_at ELSE c.due_at END
        WHERE c.state = 'withdrawn'
           OR c.state = 'open' AND (c.lease_until IS NULL OR c.lease_until <= moment)
              AND (c.file_id, c.model_version, c.amount) IS DISTINCT FROM (excluded.file_id, excluded.model_version,
                                                                          excluded.amount)
        RETURNING c.case_id, c.version, c.opened_at
    )
    INSERT INTO claimwatch.case_event (case_id, actor, action)
    SELECT c.case_id, 'claimwatch', 'reopen' FROM changed AS c WHERE c.version > 1 AND c.opened_at = moment;
END
$$;
COMMENT ON FUNCTION claimwatch.open_cases IS
    'Opens cases of the claims of a file that the champion''s newest scores ask to review, updates open ones that nobody holds, and withdraws those that no longer need a review. May be repeated. Null means every file, or every claim.';

CREATE FUNCTION claimwatch.settle_cases(file_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    settled text;
BEGIN
    FOR settled IN SELECT DISTINCT o.line FROM claimwatch.outcome AS o WHERE o.file_id = file_id ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('claimwatch cases ' || settled, 0));
        WITH closed AS (
            UPDATE claimwatch.review_case AS c
            SET state = 'settled', closed_at = clock_timestamp(), holder = NULL, lease_until = NULL,
                generation = c.generation + 1, version = c.version + 1
            WHERE c.line = settled AND c.closed_at IS NULL
              AND c.claim_id IN (SELECT o.claim_id FROM claimwatch.outcome AS o
                                 WHERE o.file_id = file_id AND o.line = settled)
              AND claimwatch.current_decision(settled, c.claim_id) IS NOT NULL
            RETURNING c.case_id
        )
        INSERT INTO claimwatch.case_event (case_id, actor, action) SELECT c.case_id, 'claimwatch', 'settle' FROM closed AS c;
    END LOOP;
END
$$;
COMMENT ON FUNCTION claimwatch.settle_cases IS
    'Closes the cases of claims that the outcomes of a committed file decide. Those that were decided here stay decided. May be repeated.';

REVOKE EXECUTE ON FUNCTION claimwatch.review_terms, claimwatch.newest_scores, claimwatch.with_amounts, claimwatch.draw,
    claimwatch.open_cases, claimwatch.settle_cases FROM PUBLIC;
REVOKE USAGE ON TYPE claimwatch.newest_score FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claimwatch.review_terms TO claimwatch_api_definer;
GRANT EXECUTE ON FUNCTION claimwatch.open_cases TO claimwatch_scoring;
GRANT EXECUTE ON FUNCTION claimwatch.settle_cases TO claimwatch_ingest;

-- Claims that were scored before there were cases.
DO $$
DECLARE
    line text;
BEGIN
    FOR line IN SELECT DISTINCT c.line FROM claimwatch.contract AS c WHERE c.status = 'applied' LOOP
        PERFORM claimwatch.open_cases(line, NULL, NULL);
    END LOOP;
END
$$;
