-- A role per task. Each has the privileges that the task's code needs and no others, and none may log in: the deployment
-- creates a login for each task and database (storage/logins.sql). The owner of the schema is for migrations only.

DO $$
DECLARE
    task text;
BEGIN
    FOREACH task IN ARRAY ARRAY['ingest', 'contracts', 'photos', 'scoring', 'promotion', 'dispatch', 'training',
                                'evaluation', 'read', 'replay'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = 'claimwatch_' || task);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', 'claimwatch_' || task);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- the migration of another database of this server has just created it
        END;
    END LOOP;
    -- The owner hands tables over to these two, and migrates them later.
    GRANT claimwatch_contracts, claimwatch_training TO CURRENT_USER WITH INHERIT TRUE, SET TRUE;
    -- Tables of MLflow, which the training job creates. Without the right to create schemas, somebody else has to.
    IF to_regnamespace('mlflow') IS NOT NULL THEN
        ALTER SCHEMA mlflow OWNER TO claimwatch_training;
    ELSIF has_database_privilege(current_database(), 'CREATE') THEN
        CREATE SCHEMA mlflow AUTHORIZATION claimwatch_training;
    END IF;
    IF to_regnamespace('mlflow') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA mlflow TO claimwatch_promotion, claimwatch_read;
    END IF;
END
$$;

COMMENT ON ROLE claimwatch_ingest IS 'Registers, inspects, loads and commits files, and records failures.';
COMMENT ON ROLE claimwatch_contracts IS 'Applies contracts; owns the tables and views of the lines.';
COMMENT ON ROLE claimwatch_photos IS 'Stores photos and their matches.';
COMMENT ON ROLE claimwatch_scoring IS 'Scores claims.';
COMMENT ON ROLE claimwatch_promotion IS 'Promotes models and rolls them back.';
COMMENT ON ROLE claimwatch_dispatch IS 'Starts and watches trainings.';
COMMENT ON ROLE claimwatch_training IS 'Trains a model on its instance; owns the schema mlflow.';
COMMENT ON ROLE claimwatch_evaluation IS 'Plans, runs and closes the weekly checks.';
COMMENT ON ROLE claimwatch_read IS 'Reads the ledger and the results, for the command line.';
COMMENT ON ROLE claimwatch_replay IS 'Begins new attempts at files, for the command line.';

GRANT USAGE ON SCHEMA claimwatch TO claimwatch_ingest, claimwatch_contracts, claimwatch_photos, claimwatch_scoring,
    claimwatch_promotion, claimwatch_dispatch, claimwatch_training, claimwatch_evaluation, claimwatch_read,
    claimwatch_replay;
GRANT CREATE ON SCHEMA claimwatch TO claimwatch_contracts;

-- What identifies a file never changes. Nobody but the command line reads quarantined rows.
GRANT SELECT, INSERT,
      UPDATE (status, attempt, format, contract_version, chunks, rows_read, rows_loaded, rows_quarantined, committed_at,
              error, details, notified_at)
    ON claimwatch.file TO claimwatch_ingest;
GRANT SELECT, INSERT, DELETE, UPDATE (claim_hashes) ON claimwatch.chunk TO claimwatch_ingest;
GRANT SELECT (file_id), INSERT, DELETE ON claimwatch.quarantine TO claimwatch_ingest;
GRANT SELECT, INSERT, UPDATE (notified_at) ON claimwatch.extra_column TO claimwatch_ingest;
GRANT SELECT ON claimwatch.contract TO claimwatch_ingest;
GRANT SELECT (line, claim_id, file_id, row_number), INSERT, DELETE ON claimwatch.outcome TO claimwatch_ingest;

-- The views of a line read these two with the rights of their owner.
GRANT SELECT, UPDATE (status, attempt, chunks, error, notified_at) ON claimwatch.file TO claimwatch_contracts;
GRANT SELECT ON claimwatch.current_claim_image TO claimwatch_contracts;
GRANT SELECT, INSERT, UPDATE (notified_at) ON claimwatch.contract TO claimwatch_contracts;

GRANT SELECT (image_id, event_id, bucket, key, version_id, phash, band_1, band_2, band_3, band_4), INSERT
    ON claimwatch.claim_image TO claimwatch_photos;
GRANT SELECT (bucket, key, version_id, reason), INSERT ON claimwatch.image_rejected TO claimwatch_photos;
GRANT SELECT (bucket, key, version_id, permanent), INSERT ON claimwatch.image_deletion TO claimwatch_photos;
GRANT INSERT ON claimwatch.image_match TO claimwatch_photos;

GRANT SELECT ON claimwatch.file, claimwatch.contract, claimwatch.live_model, claimwatch.audit_key
    TO claimwatch_scoring;
GRANT SELECT, INSERT ON claimwatch.scored_chunk, claimwatch.without_model TO claimwatch_scoring;
GRANT INSERT ON claimwatch.score, claimwatch.profile TO claimwatch_scoring;

GRANT SELECT ON claimwatch.model_version, claimwatch.live_model, claimwatch.unscored_file TO claimwatch_promotion;
GRANT SELECT, INSERT ON claimwatch.promotion, claimwatch.request_without_change TO claimwatch_promotion;
GRANT SELECT (line), DELETE ON claimwatch.without_model TO claimwatch_promotion;

GRANT SELECT, INSERT, UPDATE (status, instance_id, ended_at, error, notified_at)
    ON claimwatch.training TO claimwatch_dispatch;
GRANT SELECT (line, version) ON claimwatch.model_version TO claimwatch_dispatch;
GRANT SELECT ON claimwatch.contract TO claimwatch_dispatch;

GRANT SELECT, UPDATE (status, ended_at, error, notified_at) ON claimwatch.training TO claimwatch_training;
GRANT SELECT ON claimwatch.contract, claimwatch.live_model, claimwatch.current_outcome TO claimwatch_training;
GRANT SELECT, INSERT ON claimwatch.model_version TO claimwatch_training;

GRANT SELECT ON claimwatch.file, claimwatch.contract, claimwatch.outcome, claimwatch.score, claimwatch.scored_chunk,
    claimwatch.profile, claimwatch.model_version, claimwatch.live_model TO claimwatch_evaluation;
GRANT SELECT (file_id, reasons) ON claimwatch.quarantine TO claimwatch_evaluation;
GRANT SELECT, INSERT, UPDATE (status, missing, report_uri, claims, planned_at, closed_at, told_at, advised_at)
    ON claimwatch.evaluation_window TO claimwatch_evaluation;
GRANT SELECT, INSERT, DELETE, UPDATE (status, error, seconds, ended_at)
    ON claimwatch.evaluation_check TO claimwatch_evaluation;
GRANT SELECT, INSERT ON claimwatch.evaluation TO claimwatch_evaluation;

GRANT SELECT ON claimwatch.file, claimwatch.quarantine, claimwatch.contract, claimwatch.training,
    claimwatch.model_version, claimwatch.promotion, claimwatch.live_model, claimwatch.score, claimwatch.unscored_file,
    claimwatch.current_outcome, claimwatch.claim_image, claimwatch.kept_claim_image, claimwatch.current_claim_image,
    claimwatch.image_rejected, claimwatch.image_match, claimwatch.evaluation_window, claimwatch.evaluation_check, claimwatch.evaluation
    TO claimwatch_read;

GRANT SELECT, UPDATE (status, attempt, chunks, error, notified_at) ON claimwatch.file TO claimwatch_replay;

CREATE FUNCTION claimwatch.grant_line(line text) RETURNS void
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
    EXECUTE format('GRANT SELECT ON %s TO claimwatch_training', newest);
END
$$;
COMMENT ON FUNCTION claimwatch.grant_line IS
    'Grants to each task what it needs of a line''s table and views; their owner calls it whenever it has created them.';

CREATE FUNCTION claimwatch.grant_registry() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF to_regclass('mlflow.registered_model_aliases') IS NULL THEN
        RETURN;
    END IF;
    GRANT USAGE ON SCHEMA mlflow TO claimwatch_promotion, claimwatch_read;
    GRANT SELECT ON ALL TABLES IN SCHEMA mlflow TO claimwatch_read;
    GRANT SELECT (name, key, value, version) ON mlflow.model_version_tags TO claimwatch_promotion;
    GRANT SELECT (name, alias), INSERT, DELETE ON mlflow.registered_model_aliases TO claimwatch_promotion;
END
$$;
COMMENT ON FUNCTION claimwatch.grant_registry IS
    'Grants what promotion and reading need of MLflow''s tables; their owner calls it after each training.';

-- Both need the owner of the table below PostgreSQL 17, which has the privilege MAINTAIN.
CREATE FUNCTION claimwatch.refresh_statistics(line text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    ANALYZE claimwatch.file, claimwatch.score, claimwatch.outcome;
    EXECUTE format('ANALYZE claimwatch.%I', 'claim_' || line);
END
$$;
COMMENT ON FUNCTION claimwatch.refresh_statistics IS 'Runs ANALYZE on the tables that the weekly checks of a line read.';

CREATE FUNCTION claimwatch.index_new_rows(line text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT brin_summarize_new_values(to_regclass(format('claimwatch.%I', 'claim_' || line || '_by_file')));
$$;
COMMENT ON FUNCTION claimwatch.index_new_rows IS 'Adds new rows to a line''s index of files and row numbers.';

REVOKE EXECUTE ON FUNCTION claimwatch.grant_line, claimwatch.grant_registry, claimwatch.refresh_statistics,
    claimwatch.index_new_rows FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claimwatch.grant_line TO claimwatch_contracts;
GRANT EXECUTE ON FUNCTION claimwatch.grant_registry TO claimwatch_training;
GRANT EXECUTE ON FUNCTION claimwatch.refresh_statistics TO claimwatch_evaluation;
GRANT EXECUTE ON FUNCTION claimwatch.index_new_rows TO claimwatch_scoring;

-- What exists already changes hands.
DO $$
DECLARE
    line text;
    item record;
BEGIN
    FOR item IN SELECT oid::regclass AS name FROM pg_class
                WHERE relnamespace = to_regnamespace('mlflow') AND relkind IN ('r', 'p', 'v') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO claimwatch_training', item.name);
    END LOOP;
    IF to_regnamespace('mlflow') IS NOT NULL THEN
        PERFORM claimwatch.grant_registry();
    END IF;
    FOR line IN SELECT DISTINCT c.line FROM claimwatch.contract AS c WHERE c.status = 'applied' LOOP
        FOR item IN SELECT oid::regclass AS name FROM pg_class
                    WHERE relnamespace = 'claimwatch'::regnamespace AND relkind IN ('r', 'v')
                      AND relname IN ('claim_' || line, 'current_claim_' || line, 'image_of_claim_' || line) LOOP
            EXECUTE format('ALTER TABLE %s OWNER TO claimwatch_contracts', item.name);
        END LOOP;
        PERFORM claimwatch.grant_line(line);
    END LOOP;
END
$$;
