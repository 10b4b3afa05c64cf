-- What somebody answered for when a model went live: trusted columns, an approved exception, and what changed.

ALTER TABLE claimwatch.model_version ADD COLUMN failed_gates text[], ADD COLUMN served_sha256 text;
COMMENT ON COLUMN claimwatch.model_version.failed_gates IS
    'The gates that refused the model; null for models that were trained before it was added.';
COMMENT ON COLUMN claimwatch.model_version.served_sha256 IS
    'Hash of everything that changes a score, a reason or a referral: equal models have equal hashes.';

ALTER TABLE claimwatch.promotion
    ADD COLUMN trusted text[] NOT NULL DEFAULT '{}',
    ADD COLUMN no_longer_protected jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN equal_to text;
COMMENT ON COLUMN claimwatch.promotion.trusted IS
    'The columns with a warning that the person named as trusted; empty for rollbacks, which need no new trust.';
COMMENT ON COLUMN claimwatch.promotion.no_longer_protected IS
    'Columns that the contract of the previous champion protected and the contract of this model does not, each with its role now; null if it has none.';
COMMENT ON COLUMN claimwatch.promotion.equal_to IS 'The version of the champion at that moment, if it is served by the same bytes.';

CREATE TABLE claimwatch.model_exception (
    exception_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id    text        NOT NULL UNIQUE,
    line          text        NOT NULL,
    version       text        NOT NULL,
    gate          text        NOT NULL CHECK (gate IN ('bias')),
    bundle_sha256 text        NOT NULL CHECK (bundle_sha256 <> ''),
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    by            text        NOT NULL,
    caller        text        NOT NULL CHECK (caller <> ''),
    why           text        NOT NULL CHECK (why <> ''),
    UNIQUE (line, version, gate),
    FOREIGN KEY (line, version) REFERENCES claimwatch.model_version
);
COMMENT ON TABLE claimwatch.model_exception IS
    'Approved exceptions: a model that only this gate refused may go live. Rows are added and never changed.';
COMMENT ON COLUMN claimwatch.model_exception.bundle_sha256 IS 'The model that was approved, and no other bytes.';
COMMENT ON COLUMN claimwatch.model_exception.by IS 'The name that the caller wrote.';
COMMENT ON COLUMN claimwatch.model_exception.caller IS 'The verified identity of the approver: an ARN.';

CREATE OR REPLACE FUNCTION claimwatch.refuse_to_change_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history % is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER model_exception_is_append_only BEFORE UPDATE OR DELETE ON claimwatch.model_exception
    FOR EACH ROW EXECUTE FUNCTION claimwatch.refuse_to_change_history();
CREATE TRIGGER model_exception_is_not_emptied BEFORE TRUNCATE ON claimwatch.model_exception
    FOR EACH STATEMENT EXECUTE FUNCTION claimwatch.refuse_to_change_history();

-- A role of its own, so that the function that promotes can approve nothing.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'claimwatch_approval') THEN
        BEGIN
            CREATE ROLE claimwatch_approval NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- the migration of another database of this server has just created it
        END;
    END IF;
END
$$;
COMMENT ON ROLE claimwatch_approval IS 'Approves exceptions to refusals of models.';
GRANT USAGE ON SCHEMA claimwatch TO claimwatch_approval;
GRANT SELECT ON claimwatch.model_version TO claimwatch_approval;
GRANT SELECT, INSERT ON claimwatch.model_exception TO claimwatch_approval;

GRANT SELECT ON claimwatch.model_exception TO claimwatch_promotion, claimwatch_read;
-- The contracts of two models are compared.
GRANT SELECT (contract_id, line, version, status, text) ON claimwatch.contract TO claimwatch_promotion;
