-- Trainings as of an earlier day, and columns that a person trusts although they look like a leak.

ALTER TABLE claimwatch.training ADD COLUMN as_of date, ADD COLUMN trusted text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN claimwatch.training.as_of IS
    'The day of a back-test, at whose end (UTC) its outcomes are read; null for a training on all that is known.';
COMMENT ON COLUMN claimwatch.training.trusted IS 'Columns that are kept although they look like a leak.';

ALTER TABLE claimwatch.model_version ADD COLUMN as_of date;
COMMENT ON COLUMN claimwatch.model_version.as_of IS 'The day of a back-test; null for a training on all that was known.';

ALTER TABLE claimwatch.promotion ADD COLUMN as_of date;
COMMENT ON COLUMN claimwatch.promotion.as_of IS
    'The day of the back-test that the promoted model is from, named by the person; null for other models.';

-- A back-test reads the outcomes and the champion of its day.
GRANT SELECT ON claimwatch.committed_outcome TO claimwatch_training;
GRANT SELECT (promotion_id, line, version, role, at, bundle_uri, bundle_sha256) ON claimwatch.promotion
    TO claimwatch_training;
