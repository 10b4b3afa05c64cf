-- Hashes of different schemes cannot be compared: each chunk says by which one its rows were hashed.

ALTER TABLE claimwatch.chunk ADD COLUMN hash_scheme smallint NOT NULL DEFAULT 1;
COMMENT ON COLUMN claimwatch.chunk.hash_scheme IS 'The scheme of the hashes that are stored instead of personal data.';
