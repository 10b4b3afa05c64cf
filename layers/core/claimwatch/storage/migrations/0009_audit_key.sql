-- The key of the random audit: whoever does not know it cannot predict which claims are drawn.

CREATE TABLE claimwatch.audit_key (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    key       bytea   NOT NULL CHECK (octet_length(key) = 32)
);
COMMENT ON TABLE claimwatch.audit_key IS 'The key that draws the random audit. Only scoring may read it; never change it.';
-- Two random UUIDs have 244 bits from a cryptographic generator.
INSERT INTO claimwatch.audit_key (key)
VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
