-- What a seal contains besides its root: its hash, which the next seal contains, and whether it follows a restore.

ALTER TABLE claimwatch.audit_seal
    ALTER COLUMN previous SET NOT NULL,
    ADD COLUMN sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    ADD COLUMN reason text NOT NULL DEFAULT 'regular' CHECK (reason IN ('regular', 'restored')),
    ADD COLUMN replaces bigint,
    ADD CHECK ((reason = 'restored') = (replaces IS NOT NULL));
COMMENT ON COLUMN claimwatch.audit_seal.previous IS 'The hash of the seal before; 32 zero bytes in the first one.';
COMMENT ON COLUMN claimwatch.audit_seal.sha256 IS 'The hash of the seal, which is that of its object in S3.';
COMMENT ON COLUMN claimwatch.audit_seal.reason IS
    'restored: the seal continues after a restore of the database to a state before the seals from replaces on.';
COMMENT ON COLUMN claimwatch.audit_seal.replaces IS 'The first of the seals whose events a restore has removed.';
