-- Each chunk names the columns that it has and the contract has not: in NDJSON, any row may have another key.

ALTER TABLE claimwatch.chunk ADD COLUMN extra_columns text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN claimwatch.chunk.extra_columns IS 'Names of columns in the chunk that the contract does not have.';
